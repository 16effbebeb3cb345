"""What a backend does that cooperates with cutover: it knows copies from originals, and does each thing once.

Nothing in here knows what the backend is about. A request that cutover copied says so in signed headers (`signature`,
`arrival`); while it is served, `current` tells everybody which kind of copy it is and what the original made up. What
reaches beyond the database goes through `effects`, which lets nothing of a copy pass. `answers` keeps the answer of a
write under its key, in the transaction of its effect. `middleware` puts these in order.
"""
