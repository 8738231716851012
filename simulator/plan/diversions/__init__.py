"""What is done to chips in a simulated world that its rules should find."""
