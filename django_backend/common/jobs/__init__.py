"""What is done behind the answers: `queue` hands a job over, a worker or this process does it, once, while active."""
