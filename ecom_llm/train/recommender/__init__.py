"""purchases and titles -> which item a shopper buys next: learned by the train stage, kept with the model, asked by what comes after."""
