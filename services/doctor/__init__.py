"""What is right and wrong with a pair, as the machine sees it on which it is asked: `findings` says in which form."""
