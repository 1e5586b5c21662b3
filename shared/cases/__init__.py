"""What both services must agree on about a case: which facts stand, how it ends, when its reply is due, who took over, which catalogue stands.

intake refuses by these rules and followup raises deadlines by them; each stands here once. Pure: facts come in as
whatever the service makes of a recorded event (`facts.RecordedFact`).
"""
