"""Cue words: the label before a number says what the number is, in English and in Chinese."""

import collections
import functools
import re
from typing import NamedTuple

FLAGS = re.ASCII
# ASCII classes on purpose: a digit glued to Chinese characters stands at a word's edge, and `\d` must not take in
# the digits of other scripts, which the vectorised triage does not look for.

FOLD = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
"""Full-width forms to ASCII and capitals to small letters; one character to one, so that places stay places."""
FOLD |= {code: code + 0x20 for code in range(0x41, 0x5B)} | {code: code - 0xFEC0 for code in range(0xFF21, 0xFF3B)}
FOLD |= dict.fromkeys([0x00A0, 0x2002, 0x2003, 0x2007, 0x2009, 0x202F, 0x3000], ord(" "))
FOLD |= dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE58, 0xFE63], ord("-"))

NUMBER_WORD = r"(?:#|№|n[º°]|no\b\.?|nr\b\.?|num\b\.?|nos\b\.?|nbr\b\.?|numbers?\b|ids?\b|ref\b\.?|reference\b|code\b)"
REACH = 44
"""How many characters before a value its cue may begin."""


class Words(NamedTuple):
    """One kind's labels as patterns: English, matched from a word's start to its end, and Chinese."""

    kind: str
    english: str
    chinese: str


WORDS = (
    Words(
        "order",
        r"(?:ord|orders?(?:'s)?|purchase|track(?:ing)?|receipt|shipment|shipping|parcel|package|delivery|consignment|waybill|awb|invoice"
        r"|transaction|confirmation|booking|reservation|returns?|rma|refund|p\.?o\.?)[\s_,?-]{0,2}"
        rf"(?:(?:authori[sz]ation|tracking|confirmation|order|reference|ref|id|tracking id)[\s_-]?)?{NUMBER_WORD}"
        r"|(?:tracking|waybill|awb|orderno|orderid|order_id|rma|return authori[sz]ation|order (?:confirmation|reference))(?![a-z])",
        r"(?:订单|訂單|运单|運單|快递|快遞|物流|退货|退貨|退款|换货|售后|包裹|交易|流水|面单|工单|发货|送货|配送|支付|采购|下单|订货)"
        r"\s?的?\s?(?:流水号|编号|編號|单号|單號|号码|號碼|号|號|编码|id|no\b\.?|number|#)"
        r"|追踪号|跟踪号|单号|單號|流水号|流水號|单子号"
        r"|(?:采购|退货|退款|换货|发货|提货|快递|物流|售后|配送|维修|服务|预约|安装|工)单(?!子)",
    ),
    Words(
        "phone",
        r"(?:tel(?:ephone)?|phoned?|mobile|mob|cell(?:phone)?|call(?:ed|ing|er(?: id)?|[ -]?back)?|sms|rang"
        r"|ring(?= (?:me|us|back|on|at))|(?:(?<=can )|(?<=to )|(?<=please )|(?<=could )|(?<=you )|(?<=or ))ring"
        r"|[tmpc]\s?:(?=\s?\Z)|ph|fax"
        r"|text(?:ed)?(?=\s(?:me|us|him|her|them|on)|[\s:]*\Z)|dial(?:l?ed)?|whats ?app|viber|hotline|helpline|landline"
        r"|contact(?:ed)?|reach(?:ed|able)|reach(?=\s(?:me|us|you|my|him|her|them|out))|hold of (?:me|us)"
        r"|voicemail|answer,? try|registered(?=\s?\Z)|recipient"
        r"|customer (?:service|support|care)|(?:text(?:s|ed)?(?: [a-z]{2,8})?|sent|messages?|sms|reply) to"
        r"|(?:office|home|work|daytime|evening|contact|emergency|store|direct|our) numbers?|number to call|otp|notify"
        r"|(?:boy|agent|driver|technician|courier|seller|buyer|receiver|manager|service cent(?:er|re))(?:'s)? (?:numbers?|no\b)"
        r"|(?:my|his|her) (?:new |old |other )?number)(?:'s)?(?![a-z])",
        r"电话|電話|手机|手機|联系|聯繫|聯絡|致电|拨打|打给|座机|固话|热线|传真|微信|来电|短信|回电|机主|客服|收货人|收件人"
        r"|打[我他她](?!们)|打(?=[\s(]?\Z)|[☎☏✆📞📱📲]|(?:换个?|改成?|[我他她]的|新的?|[这那]个)号码",
    ),
    Words(
        "identity",
        r"(?:identity(?: card)?|id card|id[\s-]?(?:no|number)|national id|resident id|citizen id|identification)(?![a-z])",
        r"身份证|身份證|身分证|证件|實名|实名",
    ),
    Words(
        "card",
        r"(?:(?:bank|credit|debit|gift)?[\s-]?cards?|visa|master ?card|amex|american express|unionpay|discover|jcb|account"
        r"|acct)(?![a-z])",
        r"银行|信用卡|储蓄卡|借记卡|卡号|卡號|银联|账号|帐号|帳號|账户|帐户|[工建农招中交]行|卡",
    ),
    Words(
        "product",
        r"(?:model|parts?|serial|sku|upc|ean|gtin|ndc|nsn|isbn|issn|asin|bar ?code|imei|meid|mpn|s/n|p/n|sn|pn|lot|batch|patent|cas"
        r"|fcc|mac|qq|(?:catalog(?:ue)?|item|product|article|style|reference|ref|spec|design|stock|drawing)"
        rf"\s?{NUMBER_WORD})(?![a-z])",
        r"型号|型號|货号|貨號|款号|料号|物料|零件|配件|序列号|串号|条码|条形码|條碼|機身|机身|批号|批次|书号|国际码"
        r"|(?:商品|产品|產品|规格|款式|生产|设备|部件|证书|专利|备案|许可证|注册|执照|标准)\s?的?\s?"
        r"(?:编号|編號|编码|代码|条码|id|号|号码)|编码|编号",
    ),
    Words(
        "address",
        r"(?:ip(?:v[46])?|ips|address(?:es)?|gateway|dns|ping|host|server|subnet|ssh|proxy|login|logged|logins?"
        r"|sign(?:ed)?[- ]in|log)(?![a-z])",
        r"地址|网关|服务器|网段|代理|登录|登陆|登入|解析",
    ),
    Words(
        "version",
        r"(?:(?<!\d)v|ver|versions?|firmware|fw|software|sw|build|release|drivers?|updat(?:e|ed|es|ing)|(?:up|down)grad(?:e|ed|ing)"
        r"|ios|android|windows|macos|miui|bios|patch|rfc|section|chapter|clause|rev(?:ision)?|sdk|app|kernel)(?![a-z])",
        r"版本|固件|系统|升级|更新|驱动|软件|章节|条款|章|节|第|补丁|内核|鸿蒙|安卓",
    ),
    Words(
        "money",
        r"(?:rmb|usd|cny|eur|gbp|price[ds]?|total|amount|costs?|qty|quantity|paid|pay|budget|worth|sold|sales)(?![a-z])",
        r"价格|总价|售价|单价|金额|余额|数量|销量|库存|价值|共计|合计|付了|原价|现价|预算|[€£¥]",
    ),
    Words("date", r"(?:date[ds]?|year|time|born|birthday|placed on|since|until)(?![a-z])", r"日期|时间|生日|年份|出生"),
    Words(
        "parcel",
        r"(?:orders?|track|parcel|shipment|consignment|invoice|po|ups|fedex|dhl|usps|ems)(?![a-z])",
        r"订单|訂單|运单|運單|快递|快遞|物流|包裹|顺丰|圆通|中通|申通|韵达|极兔|德邦|邮政|菜鸟|单子|这单|那单|下的单|下单|那个单",
    ),
    Words(
        "goods",
        r"(?:items?|products?|articles?|styles?|filters?|fits?|replaces?)(?![a-z])",
        r"商品|产品|產品|款",
    ),
)
"""The labels in the order they are tried at one place: `order no.` must not be taken for a bare `order`."""


def _cue() -> re.Pattern[str]:
    """One pattern with a group for each kind and language.

    English is tried at the starts of words alone and Chinese at its own characters: five times faster than trying
    every word at every character.
    """
    english = "|".join(f"(?P<{words.kind}_english>{words.english})" for words in WORDS)
    chinese = "|".join(f"(?P<{words.kind}_chinese>{words.chinese})" for words in WORDS)
    return re.compile(rf"(?<![a-z])(?=[a-z])(?:{english})|(?=[^\x00-\x7f])(?:{chinese})|(?P<money_sign>\$)", FLAGS)


CUE = _cue()
# A full stop with a space ends a sentence, and with it what the label names: `it's a stock code. 13812345678`.
DIRECT = re.compile(
    r"(?:\.(?!\s)|\.{3,}|[\s:=#()\[\]{}<>\"'*~/|_-]|[【】「」“”《》‘’]|是|为|為|的|号码|號碼|号|码"
    r"|\b(?:no|nr|num|nos|ref)\b\.?|\b(?:is|was|are|were|numbers?|id|code)\b)*",
    FLAGS,
)
"""What may stand between a label and its value when the value is what the label names."""


class Label(NamedTuple):
    """The nearest cue before a place: its kind, its word in lower case, and the text between it and the place."""

    kind: str
    word: str
    gap: str

    @property
    def direct(self) -> bool:
        """Whether nothing but punctuation and words like `is` or `number` stands between the cue and the value."""
        return len(self.gap) <= 16 and DIRECT.fullmatch(self.gap) is not None

    def names(self, *kinds: str) -> bool:
        """Whether it is directly the label of one of the kinds."""
        return self.kind in kinds and self.direct


NO_LABEL = Label("", "", "")


# 256 places: about those of one text, which all finders are done with before the next.
@functools.lru_cache(maxsize=256)
def label(text: str, start: int) -> Label:
    """The last cue word in the `REACH` characters before `start` of a folded text.

    Remembered for a while: several finders ask about the same place.
    """
    begin = max(0, start - REACH)
    # Bounds, not a slice: a lookbehind must see that `border` is no `order`.
    cues = collections.deque(CUE.finditer(text, begin, start), maxlen=1)
    if not cues:
        return NO_LABEL
    last = cues[0]
    return Label(str(last.lastgroup).partition("_")[0], last[0], text[last.end() : start])
