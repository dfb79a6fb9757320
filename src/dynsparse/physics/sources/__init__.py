"""Where environments come from: MuJoCo Playground, a user's own model file, Gymnasium."""
