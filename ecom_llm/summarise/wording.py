"""What the summary knows of English and Chinese: where a thought ends, and which words say nothing of a product."""

from dataclasses import dataclass

import regex

from ecom_llm.prepare.words import language_of
from ecom_llm.records import UserError


def listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True)
class Wording:
    """One language's."""

    border: regex.Pattern[str]
    """What lies between two thoughts; neither holds it. A thought ends before a word of contrast: its other half may blame."""
    good: frozenset[str]
    """Words that praise without saying what."""
    bad: frozenset[str]
    """Words that blame without saying what."""
    turning: frozenset[str]
    """Words that turn what follows into its opposite."""
    negation: str
    """How words end that do so too."""
    mild: frozenset[str]
    """Words of a complaint said kindly (`a bit long`): where one stands, only a word of `good` makes it praise."""
    empty: frozenset[str]
    """Words that speak of shopping, of the buyer, or of nothing."""
    praise: str
    faults: str
    head: str
    none: str
    more: str


WORDINGS = {
    "en": Wording(
        border=regex.compile(
            r"(?<=[.!?…])[\s\"'”)]+|\s*\n\s*|(?<=;)\s+|\s+[-–—]+\s+|--+"
            r"|,?\s+(?=(?:but|however|although|though|except|unfortunately)\b)|(?<=,)\s+(?=and\b)",
            regex.IGNORECASE,
        ),
        good=listed(
            "good great nice nicely lovely beautiful beautifully cute gorgeous amazing awesome adorable stunning wonderful fantastic"
            " fabulous excellent perfect perfectly ideal best favorite favourite love loved loves happy pleased glad thrilled impressed"
            " pretty better liked well enjoy flatters compliment compliments"
        ),
        bad=listed(
            "bad badly worse worst awful terrible horrible poor poorly disappointed disappointing disappointment unfortunately sadly sorry sad"
            " wrong ugly cheap cheaply"
        ),
        turning=listed("not no never hardly barely nothing without less cannot if wish wanted would could should too"),
        negation="n't",
        mild=listed("too bit little tad slightly somewhat"),
        empty=listed(
            "pair ok okay fine like sure excited surprised worried hesitant skeptical able hard easy worth right different same similar much many back also even just looking going"
            " available new old main only little big bit lot ton"
            " thing things way day days time times year years week month season summer winter spring fall today occasion"
            " look looks looked seem seems seemed feel feels felt far tip noticed"
            " brother sister son wife dad grandma grandpa aunt uncle kid kids baby boy boys girls neighbour neighbor colleague guest guests family"
            " person people lady girl woman women mom daughter husband friend everyone someone customer customers buyer seller"
            " store stores shop online website retailer sale order orders purchase review reviews reviewer reviewers stars star"
            " problem problems issue issues reason case fact idea point part side end other others one ones piece item items product"
            " small medium xs xl petite regular usual normal first second next last whole half extra"
            " i'm reference lbs pounds inches inch height weight model photo photos picture pictures pic hand eye"
        ),
        praise="Praised",
        faults="Faulted",
        head="{reviews} reviews of {product} ({stars}); {cited} of them stand behind the points below.",
        none="nothing that {least} reviews agree on",
        more="{reviews} of {of}",
    ),
    "zh": Wording(
        border=regex.compile(r"[。！？!?；;，,…~～\n]+\s*|\s{2,}|(?<=\S)(?=但是|但|不过|可是|然而|只是)"),
        good=listed("好 很好 不错 喜欢 满意 完美 漂亮 好看 最好 值得 推荐 高兴 开心 优秀 赞 棒"),
        bad=listed("最差 差 很差 差劲 差评 垃圾 失望 后悔 糟糕 恶劣 坏 烂"),
        turning=listed("不 没 没有 不是 不够 无 别 未 不太 太"),
        negation="不",
        mild=listed("太 有点 有些 稍微 略 偏 一点"),
        empty=listed(
            "还好 还行 一般 可以 行 完全 根本 基本 无法 女朋友 男朋友 客户 顾客 老师 朋友们 觉得 感觉 看起来 用起来 看上去 认为 知道 希望 使用 东西 商品 产品 宝贝 货 货品 时候 时间 今天 昨天 人 大家 朋友 老婆 老公 同事 同学 室友 客人 外婆 奶奶 爷爷 爸爸 儿子 女儿 小孩 宝宝 老人 邻居 朋友 姐姐 弟弟 妈妈 孩子 家人 别人 卖家 买家 店家 店铺 商家 京东 淘宝"
            " 天猫 网上 评价 评论 好评 差评 问题 情况 感觉 地方 方面 原因 事情 样子 结果 整体 总体 第一次 一次 一下 一点 有点 下次 星 五星 个人"
            " 简单 一样 同样 真正 实在 主要 确实"
        ),
        praise="好评",
        faults="差评",
        head="{product} 共 {reviews} 条评论（{stars}），以下各点出自其中 {cited} 条。",
        none="没有 {least} 条评论共同提到的内容",
        more="{of} 条中 {reviews} 条",
    ),
}


def wording_of(locale: str) -> Wording:
    """The wording of a locale's language.

    Raises:
        UserError: the language is not known here.
    """
    found = WORDINGS.get(language_of(locale))
    if found is None:
        raise UserError(f"summarise: reads reviews in {', '.join(WORDINGS)}; found locale {locale!r}.")
    return found
