"""What an organisation should hear of: notices made from facts that are in the database already."""
