"""How customers move: steps that read grouped statistics from the engine and leave the mathematics to the models."""
