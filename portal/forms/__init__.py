"""What people fill in: papers to be prepared, and filters of lists."""
