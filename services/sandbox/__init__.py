"""The sandbox of `doithoai dev --sandbox`: a seeded pair whose days an integrator moves, and which begins anew at will.

`desk` answers `/sandbox/...` on a port of its own, `acts` does through the pair's public commands what an office would,
`seed` makes what there is at the beginning, `callers` keeps the tokens, `store` keeps and puts back the seed. Nothing
of it runs within intake or followup: a service in production has no such route.
"""
