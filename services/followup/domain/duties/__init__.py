"""Who owes what, by when: one file for each kind of duty. `due_dates` counts the days of them all."""
