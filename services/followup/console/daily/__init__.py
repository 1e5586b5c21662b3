"""The daily tasks of an office, each several commands on one screen behind one button, recorded whole or not at all.

`task` says what a task is, `routes` shows and sends it. The tasks themselves:

slip      a slip filled in at the hall's door: received, classified, on the agenda, registered as a speaker
receive   a petition received and classified
forward   many petitions to several agencies, which prepare the answers
notify    notices in their channels, and the invitations
conclude  the conclusions, with who answers which petition in one table
reply     a written reply, reported the same day, with the result
remind    every late case of an agency
"""
