"""The section `train`: the model and its training, and which of its values do not go together."""

from typing import Literal

from pydantic import Field, model_validator

from ecom_llm.params.section import Section


class SelfTraining(Section):
    """A second training, on people's texts and on the best of those that the model itself writes after the first (MBR fine-tuning)."""

    steps: int = Field(ge=0)
    """Its optimizer steps, with a schedule of their own, after the `max_steps` of the first; 0 is off."""
    learning_rate: float = Field(gt=0, le=1)
    """Its peak learning rate."""
    warmup_steps: int = Field(ge=0)
    """Its steps until the peak learning rate."""
    texts: int = Field(ge=1)
    """Texts of its own that are learned beside each of people's: those of the best that are nearest to what people wrote for a prompt
    that asks for the same."""
    best: int = Field(ge=1)
    """Drawn texts without faults from which they are taken, those that most agree with; one text where none is without."""
    num_return_sequences: int = Field(ge=1)
    """Texts drawn for each training example."""
    temperature: float = Field(gt=0)
    """Of drawn texts; below 1 they keep closer to the likeliest."""
    likelihood_weight: float = Field(ge=0)
    """Of the mean log-probability per token beside consensus."""
    consensus_beta: float = Field(ge=0)
    """Texts agree, and are near, by an F-score of words with this beta, above 1 for longer texts; 0 is sentence BLEU."""
    max_new_tokens: int = Field(ge=1)
    """Longest text that is drawn, in tokens."""
    batch_size: int = Field(ge=1)
    """Texts written at once."""

    @model_validator(mode="after")
    def taken_texts_are_drawn(self) -> "SelfTraining":
        """What is taken was drawn."""
        for few, many in (("texts", "best"), ("best", "num_return_sequences")):
            if (wanted := getattr(self, few)) > (given := getattr(self, many)):
                raise ValueError(f"self_training.{few} {wanted} is more than self_training.{many} {given}")
        return self


class Train(Section):
    """The model and its training; names as in transformers' TrainingArguments and Qwen3Config."""

    seed: int = Field(ge=0)
    """Seed of weights, order and dropout; many-seed evidence varies this one alone."""
    objective: Literal["causal", "masked"]
    """`causal` learns to write; `masked` learns hidden tokens of the targets (BERT), for an encoder that compares texts."""
    mlm_probability: float = Field(gt=0, lt=1)
    """Share of tokens that are hidden, with `masked`."""
    init: Literal["scratch", "checkpoint"]
    """`scratch` trains a tokenizer and a model of the sizes below; `checkpoint` fine-tunes `base_model`."""
    base_model: str = Field(min_length=1)
    """Folder of a Hugging Face checkpoint with safetensors and tokenizer; used when `init` is `checkpoint`."""
    slots: bool
    """Whether a causal model from scratch writes slots that are filled with the attributes' values; a checkpoint keeps its own way."""
    min_value_share: float = Field(ge=0, le=1)
    """With `slots`, values that a smaller share of the training examples has are hidden in prompts, which then name the slot alone; 0
    shows all. Rare values can only be learned by heart; frequent ones decide words beside them."""
    mark_stated: bool
    """Whether a model that writes `slots` learns from prompts that mark those the text states; when it writes, all are marked, and so
    asked for: people's adverts state only some attributes. A slot may then be stated as often as in training."""
    copied_words: int = Field(ge=0)
    """Words in a row (characters, in scripts without spaces) that a text may have as a text of training has them: one that copies more is
    taken by `best_of_n` after all that do not. What training holds is kept with the model, in 8 bytes a word; 0 keeps nothing."""
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
    """Examples (rows of them, with `packing`) per batch and process."""
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
    dropout: float = Field(ge=0, lt=1)
    """Share of the embeddings, and of what each block adds to them, that is dropped in training; for small data. With it (and with
    `lora_dropout`), the same step in other batches or processes draws other masks."""
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
    """CPU threads of a process; no `runtime` matter, since the order of floating-point sums depends on it."""
    num_processes: int = Field(ge=1)
    """Processes on this machine, each with a GPU of its own or `num_threads` of the CPU; a step has batch size x accumulation x
    processes examples."""
    sharding: Literal["none", "fsdp2"]
    """`none` holds the model whole in every process (DDP); `fsdp2` shares out weights, gradients and moments (FSDP2)."""
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
    torch_compile: bool
    """Whether each layer's forward and backward pass is compiled (torch.compile): faster steps, and half a minute or more before the
    first on a CPU. Needs a C++ compiler there, Triton on a GPU. Its rounding differs, and resumption to the same bytes was not shown."""
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
    self_training: SelfTraining

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
    def shards_need_processes(self) -> "Train":
        """One process has nobody to share with, and an adapter's frozen weights are held in bfloat16 by DDP."""
        if self.sharding != "none" and self.num_processes == 1:
            raise ValueError(f"sharding {self.sharding} needs num_processes above 1")
        if self.sharding != "none" and self.lora_r:
            raise ValueError(f"sharding {self.sharding} needs lora_r 0: an adapter is trained with sharding none")
        if self.sharding != "none" and self.torch_compile:
            raise ValueError(f"sharding {self.sharding} needs torch_compile false: nobody has tried both together")
        return self

    @model_validator(mode="after")
    def masked_models_learn_whole(self) -> "Train":
        """Two-way attention does not tell packed texts apart by their positions; adapters and dropout here are for models that write."""
        if self.objective == "masked" and self.packing:
            raise ValueError("objective masked goes without packing, found true: set it to false")
        if self.objective == "masked" and self.lora_r:
            raise ValueError(f"objective masked goes without lora_r, found {self.lora_r}: set it to 0")
        if self.objective == "masked" and self.dropout:
            raise ValueError(f"objective masked goes without dropout, found {self.dropout}: set it to 0")
        return self

    @model_validator(mode="after")
    def who_trains_on_its_texts_writes(self) -> "Train":
        """A masked model writes none; and texts are written by one process with all weights, which then learn."""
        asked = f"self_training.steps {self.self_training.steps}"
        if self.self_training.steps and self.objective == "masked":
            raise ValueError(
                f"{asked} needs objective causal, found masked, which writes nothing: set self_training.steps to 0"
            )
        if self.self_training.steps and self.lora_r:
            raise ValueError(
                f"{asked} needs lora_r 0, found {self.lora_r}: an adapter is trained once; set one of them to 0"
            )
        if self.self_training.steps and self.sharding != "none":
            raise ValueError(
                f"{asked} needs sharding none, found {self.sharding}: one device writes; set that, or steps to 0"
            )
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
