"""Every parameter of the project: a frozen tree with the same spelling as params.yaml, and no defaults of its own."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ecom_llm.records import UserError


class Section(BaseModel):
    """A frozen section that refuses unknown keys; docstrings under the fields become help and documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


Form = Literal[
    "catalogue",
    "tables",
    "mapped",
    "rnnlg",
    "advertisegen",
    "amazon_qa",
    "item_windows",
    "jddc",
    "specifications",
    "dataset",
]
"""How a source's files are laid out; one module of `ecom_llm/collect/forms` each."""


class Source(Section):
    """One source of records; a run may have several."""

    form: Form
    """`catalogue` is built in; `tables` are files named after the canonical tables; `mapped` is any file, read by `columns`."""
    path: str = Field(min_length=1)
    """File or folder, relative to `collect.location`; `.` is the location itself."""
    locale: str = Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """BCP 47 locale of rows that do not name one."""
    weight: float = Field(gt=0, le=100)
    """How often its training examples are shown in an epoch: 1 is once, 0.5 shows half of them, 2 shows each twice."""
    columns: dict[str, str]
    """For `mapped` and its like: `table.field` or `products.attributes.NAME` -> column of the file, or `=text` for a constant."""


class Collect(Section):
    """Where the shop's records come from."""

    seed: int = Field(ge=0)
    """Seed of the built-in catalogue."""
    location: str = Field(min_length=1)
    """Folder of the sources: `data/sources` (managed by `ecom-llm add PATH`) or an absolute path (external)."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Where records come from; several sources make one run."""
    products: int = Field(ge=20, le=1_000_000)
    """Products in the built-in catalogue, each in English and Chinese."""
    shoppers: int = Field(ge=20, le=1_000_000)
    """Shoppers in the built-in catalogue, each with a purchase history."""


class Prepare(Section):
    """How records become examples, and which examples are held out."""

    seed: int = Field(ge=0)
    """Seed of the split."""
    validation_share: float = Field(gt=0, lt=0.5)
    """Share of products (for `recommend`, of shoppers) held out to watch training."""
    test_share: float = Field(gt=0, lt=0.5)
    """Share of products (for `recommend`, of shoppers) held out to judge the model."""
    clean: tuple[Literal["html", "mojibake", "unicode", "control", "whitespace"], ...]
    """Cleaning operations, in this order; see `ecom_llm/prepare/cleaning.py` for what each does."""
    scrub_personal_data: bool
    """Whether e-mail addresses, phone, identity, card and order numbers and IP addresses become placeholders."""
    scrub_names: bool
    """Whether names and postal addresses in texts go too, as far as Presidio and a spaCy model find them; not promised."""
    filters: tuple[Literal["placeholder", "short", "long", "letters", "links", "repetition", "language"], ...]
    """Quality filters that are on, in this order, for texts whose publisher gave no split; the first reason is given."""
    min_characters: int = Field(ge=1)
    """`short`: texts with fewer characters are rejected."""
    max_characters: int = Field(ge=1)
    """`long`: texts with more characters are rejected."""
    min_letters: float = Field(ge=0, le=1)
    """`letters`: smallest share of letters among the characters that are not white space."""
    max_links: float = Field(ge=0, le=1)
    """`links`: largest share of a text's characters that stand in web addresses."""
    max_repetition: float = Field(ge=0, le=1)
    """`repetition`: largest share of a text's words in one repeated n-gram, or in sentences said before."""
    licences: dict[str, str]
    """Source, or folder of sources (`.` is all) -> its licence in words, shown on the data card."""
    near_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of two texts' shingles from which on they are near-copies; of these one is kept."""
    near_ngram_size: int = Field(ge=1)
    """Words (Han characters) in a shingle."""
    near_min_words: int = Field(ge=1)
    """Texts with fewer words (Han characters) are stock phrases, which are no copies of each other."""
    near_num_hashes: int = Field(ge=8)
    """MinHash values per text."""
    near_recall: float = Field(gt=0, lt=1)
    """Least probability that two texts at the threshold are found."""


class Train(Section):
    """The model and its training; names as in transformers' TrainingArguments and Qwen3Config."""

    seed: int = Field(ge=0)
    """Seed of weights, order and dropout; many-seed evidence varies this one alone."""
    init: Literal["scratch", "checkpoint"]
    """`scratch` trains a tokenizer and a model of the sizes below; `checkpoint` fine-tunes `base_model`."""
    base_model: str = Field(min_length=1)
    """Folder of a Hugging Face checkpoint with safetensors and tokenizer; used when `init` is `checkpoint`."""
    slots: bool
    """Whether a model from scratch writes slots that are filled with the attributes' values; a checkpoint keeps its own way."""
    vocab_size: int = Field(ge=300, le=500_000)
    """Entries of the byte-level BPE tokenizer; 256 bytes and the special tokens included."""
    hidden_size: int = Field(ge=16)
    """Width of the model; a multiple of `num_attention_heads`."""
    intermediate_size: int = Field(ge=16)
    """Width of its feed-forward layers."""
    num_hidden_layers: int = Field(ge=1)
    """Number of its layers."""
    num_attention_heads: int = Field(ge=1)
    """Number of its attention heads."""
    initializer_range: float = Field(gt=0, lt=1)
    """Standard deviation of its first weights; about 1 / sqrt(hidden_size) learns much faster than transformers' 0.02."""
    max_length: int = Field(ge=16)
    """Longest prompt and completion in tokens; longer examples are left out and counted."""
    max_steps: int = Field(ge=1)
    """Optimizer steps: the length of training."""
    per_device_train_batch_size: int = Field(ge=1)
    """Examples (rows of them, with `packing`) per step and device."""
    gradient_accumulation_steps: int = Field(ge=1)
    """Batches per optimizer step."""
    learning_rate: float = Field(gt=0, le=1)
    """Peak learning rate."""
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"]
    """Schedule of the learning rate after warm-up."""
    warmup_steps: int = Field(ge=0)
    """Steps until the peak learning rate."""
    weight_decay: float = Field(ge=0)
    """AdamW's weight decay."""
    adam_beta2: float = Field(gt=0, lt=1)
    """AdamW's second-moment decay; short trainings want it below the usual 0.999."""
    max_grad_norm: float = Field(gt=0)
    """Gradients are clipped to this norm."""
    logging_steps: int = Field(ge=1)
    """Steps between points of the training curve."""
    eval_steps: int = Field(ge=1)
    """Steps between validation losses."""
    eval_examples: int = Field(ge=1)
    """Validation examples behind each validation loss."""
    save_steps: int = Field(ge=1)
    """Steps between checkpoints, kept in the state folder until training ends."""
    num_threads: int = Field(ge=1)
    """CPU threads; no `runtime` matter, since the order of floating-point sums depends on it."""
    dtype: Literal["float32", "bfloat16"]
    """Type in which a checkpoint's weights are held; `bfloat16` with `lora_r` alone, steps of Adam are too small for it."""
    activation_checkpointing: bool
    """Compute activations a second time in the backward pass instead of keeping them: less memory, more time."""
    lora_r: int = Field(ge=0)
    """Rank of the adapter that learns beside the frozen weights of `base_model`; 0 fine-tunes all weights."""
    lora_alpha: float = Field(gt=0)
    """Weight of the adapter: it is added times lora_alpha / lora_r."""
    lora_dropout: float = Field(ge=0, lt=1)
    """Share of the adapter's inputs that are dropped in training."""
    lora_target_modules: Literal["all-linear"] | tuple[str, ...]
    """Layers that get an adapter, by the last part of their names; `all-linear` is all but that of the logits."""
    load_in_4bit: bool
    """QLoRA: hold the frozen weights in 4 bits, with bitsandbytes; only with `lora_r`."""
    mixed_precision: Literal["auto", "bf16", "no"]
    """Matrix products in bfloat16 or not; weights stay float32. `auto` takes bf16 where the device has instructions for it."""
    attn_implementation: Literal["auto", "eager", "sdpa", "flex_attention", "flash_attention_2"]
    """transformers' attention; `auto` takes sdpa, but eager on a CPU for `max_length` up to 512, where it is faster."""
    packing: bool
    """Whether texts are packed into rows of `max_length` tokens, none seeing another, instead of batched by length; the batch
    size then counts rows, which hold several texts each."""
    max_left_out: float = Field(ge=0, le=1)
    """Largest share of examples that may be longer than `max_length`; above it nothing is trained."""
    divergence_margin: float = Field(gt=0)
    """Nats per token that the mean loss of 100 steps may stand above its lowest."""
    divergence_patience: int = Field(ge=0)
    """Logged steps in a row that it may, before training ends with an error; 0 looks for NaN alone."""
    early_stopping_patience: int = Field(ge=0)
    """Validations without improvement until training stops; 0 is off."""
    load_best_model_at_end: bool
    """Whether the checkpoint of the lowest validation loss is the model; else the last weights are."""

    @model_validator(mode="after")
    def heads_divide_width(self) -> "Train":
        """RoPE needs an even width per head."""
        if self.hidden_size % (2 * self.num_attention_heads):
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of 2 x num_attention_heads")
        return self

    @model_validator(mode="after")
    def adapters_need_a_checkpoint(self) -> "Train":
        """A new model has nothing worth freezing, and frozen weights alone may be held in less than float32."""
        if self.lora_r and self.init != "checkpoint":
            raise ValueError(f"lora_r {self.lora_r} needs init checkpoint, found {self.init}")
        if self.load_in_4bit and not self.lora_r:
            raise ValueError("load_in_4bit needs lora_r above 0: weights of 4 bits cannot learn")
        if self.dtype != "float32" and not self.lora_r:
            raise ValueError(f"dtype {self.dtype} needs lora_r above 0: weights that learn are float32")
        return self

    @model_validator(mode="after")
    def checkpoints_fall_on_logs(self) -> "Train":
        """A loss summed since the last log is lost in a kill; only such a checkpoint resumes to the same curve."""
        if self.save_steps % self.logging_steps:
            raise ValueError(f"save_steps {self.save_steps} is not a multiple of logging_steps {self.logging_steps}")
        return self

    @model_validator(mode="after")
    def flash_attention_knows_one_row(self) -> "Train":
        """transformers finds packed texts for flash attention in a batch of one row alone; of several, each would be one text."""
        several = self.per_device_train_batch_size > 1
        if self.packing and several and self.attn_implementation == "flash_attention_2":
            raise ValueError(
                "packing with flash_attention_2 needs per_device_train_batch_size 1: raise max_length instead"
            )
        return self

    @model_validator(mode="after")
    def the_best_has_a_checkpoint(self) -> "Train":
        """transformers takes multiples too, but then the best validation may have no checkpoint, and another wins silently."""
        if self.load_best_model_at_end and self.save_steps != self.eval_steps:
            raise ValueError(
                f"load_best_model_at_end needs save_steps {self.save_steps} to equal eval_steps {self.eval_steps}"
            )
        if self.early_stopping_patience and not self.load_best_model_at_end:
            raise ValueError(
                "early_stopping_patience needs load_best_model_at_end, or the worse, last weights would win"
            )
        return self


class Evaluate(Section):
    """How the model is measured on the test split."""

    seed: int = Field(ge=0)
    """Seed of the sample of test examples and of the bootstrap."""
    max_examples: int = Field(ge=1)
    """Test examples per skill and locale; all of them where there are fewer."""
    per_device_eval_batch_size: int = Field(ge=1)
    """Examples generated or scored at once; does not change perplexity."""
    max_new_tokens: int = Field(ge=1)
    """Longest generated text in tokens."""
    num_return_sequences: int = Field(ge=0)
    """Texts a model with slots samples where its likeliest one leaves out a fact it owes; the fullest is taken."""
    temperature: float = Field(gt=0)
    """Temperature of those samples."""
    num_beams: int = Field(ge=10)
    """Beams of the constrained decoding behind recommendations; hit@10 needs at least 10."""
    num_threads: int = Field(ge=1)
    """CPU threads; no `runtime` matter, since the order of floating-point sums depends on it."""


class Slice(Section):
    """A metric on one skill and locale; `all` is the total over them, `*` matches each one there is."""

    metric: str
    """Published name of the metric, as in reports/metrics.json."""
    skill: str
    """A skill, `all` or `*`."""
    locale: str
    """A locale, `all` or `*`."""
    greater_is_better: bool
    """As in mlflow.models.MetricThreshold."""


class Threshold(Slice):
    """An absolute bound that every matching slice must meet."""

    threshold: float
    """Smallest value that passes where greater is better, largest where it is not; in the metric's unit."""


class Regression(Slice):
    """How much worse than the champion a matching slice may be."""

    max_regression: float = Field(ge=0)
    """Largest loss that passes, in the metric's unit, at the lower end of the paired interval."""


class Promote(Section):
    """The gate: what a candidate must show before it may write for the shop."""

    primary: Slice
    """The one slice on which the candidate must be superior to the champion; a tie refuses."""
    confidence: float = Field(gt=0.5, lt=1)
    """Confidence of the paired bootstrap intervals."""
    bootstrap_samples: int = Field(ge=100)
    """Resamples per interval."""
    thresholds: tuple[Threshold, ...]
    """Absolute bounds; a rule that matches no slice refuses."""
    regressions: tuple[Regression, ...]
    """Non-inferiority bounds against the champion."""


class Registry(Section):
    """Where the model is registered."""

    model_name: str = Field(pattern=r"^[^/:\s]+$")
    """Registered model in MLflow; one per purpose, a recipe names its own."""


class Runtime(Section):
    """Where and how loudly stages run; in no stage's fingerprint."""

    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA where there is one; the same kind of device gives the same bytes."""
    log_level: Literal["debug", "info", "warning", "error"]
    """How much stages and flows say."""
    engine: Literal["native", "ray"]
    """What runs the preparation: Daft's own engine here, or Ray (`pip install 'ecom-llm[ray]'`); both write the same bytes."""
    ray_address: str = Field(min_length=1)
    """`local` starts Ray for the run; `host:port` or `auto` joins a cluster whose machines share the workspace's disk."""


class Params(Section):
    """params.yaml, validated."""

    collect: Collect
    prepare: Prepare
    train: Train
    evaluate: Evaluate
    promote: Promote
    registry: Registry
    runtime: Runtime


def explain(error: ValidationError, origin: str) -> UserError:
    """Turn pydantic's first complaint into one sentence that names the key, the value found and what was expected."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    # a rule over several fields says what it found; the input would be the whole section
    found = "" if first["type"] in ("missing", "value_error") else f"; found {first['input']!r}"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return UserError(f"{origin}: {key}: no such parameter{more}. docs/parameters.md lists them all.")
    said = first["msg"].removeprefix("Value error, ")
    return UserError(f"{origin}: {key}: {said}{found}{more}. docs/parameters.md says what it may be.")


def validate(values: object, origin: str) -> Params:
    """Build Params from plain values.

    Raises:
        UserError: names `origin` and the first key that is wrong.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise explain(error, origin) from error


def read_yaml(path: Path) -> dict[str, object]:
    """Read a YAML mapping; a missing, unreadable or malformed file is a UserError naming file and line."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the path and your rights.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected a mapping of sections, found {type(values).__name__}.")
    return values


def load_params(path: Path) -> Params:
    """Read and validate a params.yaml.

    Raises:
        UserError: the file is missing or malformed, a key is unknown or missing, or a value is out of range.
    """
    return validate(read_yaml(path), str(path))
