"""T-gent, the policy gate's webhook: what the API server's own rules cannot know - rates, repetitions, true causes."""
