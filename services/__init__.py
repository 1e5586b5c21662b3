"""The dependable memory of dialogue conferences: intake records, followup watches the clocks."""
