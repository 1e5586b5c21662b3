"""What followup uses outside itself."""
