"""What is shown to people: tables in the terminal, and pages."""
