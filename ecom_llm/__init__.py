"""Records become examples, examples become a model, a model earns promotion, the champion writes for the shop."""
