"""Different words for one value: spellings, colours and materials, English and Chinese. Small, exact, and only for scoring."""

SPELLINGS = {
    "gray": "grey",
    "color": "colour",
    "colored": "coloured",
    "fiber": "fibre",
    "aluminum": "aluminium",
    "jewelry": "jewellery",
    "pajama": "pyjama",
    "moisturizer": "moisturiser",
    "organizer": "organiser",
    "center": "centre",
    "favorite": "favourite",
    "tee": "tshirt",
}
"""A word -> the spelling it is compared in."""

PHRASES: tuple[tuple[str, ...], ...] = (
    ("navy blue", "navy"),
    ("off white", "offwhite"),
    ("tshirt", "t shirt", "tee shirt"),
    ("wifi", "wi fi", "wlan"),
    ("usb c", "usb type c", "type c"),
    ("stainless steel", "stainless"),
    ("pure cotton", "100% cotton", "all cotton"),
    ("faux leather", "pu leather", "artificial leather", "imitation leather"),
    ("spandex", "elastane", "lycra"),
    ("polyamide", "nylon"),
    ("waterproof", "water proof"),
    ("machine washable", "machine wash"),
    ("纯棉", "全棉", "100%棉", "百分百棉"),
    ("涤纶", "聚酯纤维", "聚酯"),
    ("锦纶", "尼龙"),
    ("氨纶", "弹性纤维"),
    ("真丝", "桑蚕丝"),
    ("藏青", "藏蓝", "海军蓝"),
    ("咖啡", "咖"),
    ("充电宝", "移动电源"),
    ("笔记本电脑", "手提电脑"),
    ("手提包", "手拎包"),
    ("t恤", "t恤衫", "体恤"),
    ("连帽", "带帽"),
    ("圆领", "圆形领口"),
)
"""Values that say the same; hyphens are spaces here, and plurals are singular."""

COLOUR_WORDS = (
    "红 黑 白 蓝 绿 黄 紫 灰 粉 橙 棕 褐 青 银 金 米 杏 驼 咖 咖啡 卡其 藏青 藏蓝 海军蓝 米白 乳白 天蓝 宝蓝 湖蓝 深蓝 浅蓝 "
    "墨绿 军绿 果绿 酒红 枣红 玫红 粉红 大红 橘红 浅灰 深灰 银灰 香槟 裸粉 藕粉 焦糖 姜黄 鹅黄 柠檬黄 薄荷绿 雾霾蓝 豆沙"
)
COLOURS = frozenset(COLOUR_WORDS.split())
"""Chinese colours that go with 色 or without it: 红 is 红色."""

COMPOUNDS = ("网红", "走红", "爆红", "红人", "红火", "黑科技", "白富美", "小白", "黑马", "金属感")
"""Words that name no colour, and that jieba's dictionary lacks or whose last character it would let stand alone."""
