"""Reports that were asked for and the files they became."""
