"""Backups of the pair: both databases, the files, a manifest, and how all of it comes back. The keys lie elsewhere."""
