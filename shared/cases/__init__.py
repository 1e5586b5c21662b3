"""What both services must agree on about a case: facts that stand, ends, due replies, successors, catalogues.

intake refuses by these rules and followup raises deadlines by them; each stands here once. Pure: facts come in as
whatever the service makes of a recorded event (`facts.RecordedFact`).
"""
