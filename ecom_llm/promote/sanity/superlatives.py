"""Superlatives that adverts may not hold: absolutes as China's Advertising Law names them, in Article 9 (3)."""

import re

from ecom_llm.evaluate.ngrams import language

FORBIDDEN = {
    "zh": re.compile(
        r"(?:国家|世界|全球|宇宙|最高)级|顶[级尖]|极品|最(?:佳|好|优|强|棒|大|高|低价|便宜|先进|新科技|受欢迎|畅销|领先)"
        r"|(?:全国|全网|全球|世界|行业|销量|排名|国内|中国|品牌)第一|第一品牌|(?:全国|全网|全球|世界|史上)最|唯一|独一无二"
        r"|绝无仅有|史无前例|无与伦比|万能|no\.? ?1",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"\b(?:no\.? ?1|number one|(?:the )?world[’']?s (?:\w+est|first|number one|no\.? ?1)|the (?:very )?best (?:in|of|on) "
        r"|(?:the )?\w+est in (?:the (?:world|country|nation)|china)|(?:national|state|world)[- ]level|un(?:beatable|rivall?ed|matched)"
        r"|(?:in|un)comparable|one and only)\b",
        re.IGNORECASE,
    ),
}
"""Language -> absolutes as the law and the market supervision's cases name them; in English, the same claims."""


def forbidden(text: str, locale: str) -> bool:
    """Whether an advert holds such a superlative; in languages without a list none is found."""
    known = FORBIDDEN.get(language(locale))
    return known is not None and known.search(text) is not None
