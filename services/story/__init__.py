"""The conference of plan 570/KH-UBND, played through the two services' public interfaces.

`play` drives a running intake over HTTP on its movable clock, from 24 June to 4 October 2019: the plan is adopted,
twenty petitions come in, the conference is held on 23 August, and the clocks that it starts run out, each in a way
of its own. Start reading at `play`; `petitions` holds the twenty petitions, `places` the authorities and bodies.
"""

from services.story.play import play

__all__ = ["play"]
