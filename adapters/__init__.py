"""The provider zone: what a provider receives, shows to its people, answers, and opens with its own key."""
