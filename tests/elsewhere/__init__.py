"""The app on other systems than Linux."""
