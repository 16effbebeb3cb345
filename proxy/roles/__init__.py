"""What one process is made of, a file for each role that is more than a few lines; `proxy.app` starts them."""
