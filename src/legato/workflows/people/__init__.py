"""People in workflows: what they are asked, and how they answer."""
