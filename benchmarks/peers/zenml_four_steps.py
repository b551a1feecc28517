"""ZenML's pipeline of four steps that do nothing, each cached: what a rerun costs where nothing changed."""

from zenml import pipeline, step


@step
def collect() -> int:
    return 1


@step
def prepare(collected: int) -> int:
    return collected + 1


@step
def train(prepared: int) -> int:
    return prepared + 1


@step
def evaluate(model: int) -> int:
    return model + 1


@pipeline(enable_cache=True)
def unchanged() -> None:
    evaluate(train(prepare(collect())))


if __name__ == "__main__":
    unchanged()
