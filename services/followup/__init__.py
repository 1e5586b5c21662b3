"""Who owes which answer by when: projects the facts of its sources, raises deadline events, serves the read side."""
