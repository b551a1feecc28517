"""a question and what is known of its product -> an answer quoted from earlier ones, or none: learned by the train stage, kept with the model."""
