"""The other sides: each through its own public interface, at a pinned version."""
