"""a question and what is known of its product -> an answer quoted from earlier ones, or none: learned in training, kept with the model."""
