"""Room messages, notifications and push subscriptions."""
