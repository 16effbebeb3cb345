"""Every operation of the Django backend under the load of the whole school, with the legacy backend beside it.

    python -m bench.endpoints                        # the sample times 100, at the rate that makes 70 % CPU
    python -m bench.endpoints --scale 2 --rate 20 --seconds 40

The load's errands use all operations, by every role. Both backends get the same rate, by turns, so that both meet the
same neighbours; the machine should have none. Latencies count from the moment at which a request was due. The exit
status is 1 if an operation's p95 on Django is above the bound, too seldom measured, or if too many answers are wrong.
"""
