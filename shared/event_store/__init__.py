"""What an append is and how it fails, without a database: use cases know this room, not PostgreSQL.

`append` holds what goes in and what comes out, `errors` why a command was not recorded, `loss` what was lost later.
"""
