"""A small library of concepts, so that reading can be tested without the artefact."""

from __future__ import annotations

from overpaint.concepts.concept import Concept, Drawing

#: id | English words, best first | Chinese words, best first | group | how many drawings
_TABLE = """
dog | dog, puppy, golden retriever, pet | 狗, 小狗, 狗狗, 犬 | animal | 4
dog-face | dog face, dog, puppy | 狗脸, 狗, 小狗 | animal-face | 5
cat | cat, kitten, kitty, pet | 猫, 猫咪, 小猫 | animal | 4
cat-face | cat face, cat, kitten | 猫脸, 猫 | animal-face | 5
horse | horse, pony | 马, 马匹 | animal | 4
owl | owl | 猫头鹰 | animal | 4
panda | panda, panda face | 熊猫, 大熊猫 | animal | 4
bear | bear | 熊 | animal | 4
fox | fox | 狐狸 | animal | 4
bird | bird | 鸟, 小鸟 | animal | 4
mouse | mouse | 老鼠 | animal | 4
computer-mouse | computer mouse, mouse | 鼠标 | object | 3
butterfly | butterfly, insect | 蝴蝶 | animal | 4
dragon | dragon | 龙 | animal | 4
fish | fish | 鱼 | animal | 4
rabbit | rabbit, bunny | 兔子, 兔 | animal | 4
cow | cow | 奶牛, 牛 | animal | 4
elephant | elephant | 大象 | animal | 4
hot-dog | hot dog, hotdog, sausage | 热狗 | food | 4
glasses | glasses, eyeglasses, spectacles, eyewear | 眼镜 | clothing | 4
sunglasses | sunglasses, shades, glasses, cool | 墨镜, 太阳镜, 眼镜 | clothing | 4
cool-face | smiling face with sunglasses, cool, sunglasses | 戴墨镜的笑脸, 墨镜 | face | 4
hat | hat, cap | 帽子, 帽 | clothing | 4
top-hat | top hat, hat | 礼帽, 帽子 | clothing | 4
crown | crown, king | 皇冠, 王冠 | clothing | 4
scarf | scarf | 围巾 | clothing | 4
bow-tie | bow tie, bowtie | 领结, 蝴蝶结领带 | clothing | 3
necktie | necktie, tie | 领带 | clothing | 4
t-shirt | t-shirt, tshirt, shirt | T恤, t恤衫, 衬衫 | clothing | 4
dress | dress | 连衣裙, 裙子 | clothing | 4
jeans | jeans, pants, trousers | 牛仔裤, 裤子 | clothing | 4
gloves | gloves, glove | 手套 | clothing | 4
socks | socks, sock | 袜子 | clothing | 4
shoe | shoe, running shoe, sneaker | 鞋, 鞋子, 跑鞋 | clothing | 4
backpack | backpack, schoolbag, rucksack | 书包, 背包 | clothing | 4
ring | ring | 戒指 | clothing | 4
sweater | sweater, jumper | 毛衣 | clothing | 3
red-apple | red apple, apple, fruit, red | 红苹果, 苹果 | food-fruit | 5
green-apple | green apple, apple | 青苹果, 苹果 | food-fruit | 4
banana | banana, fruit | 香蕉 | food-fruit | 4
orange | orange, tangerine, fruit | 橙子, 橘子, 橙 | food-fruit | 4
cherry | cherries, cherry | 樱桃 | food-fruit | 4
strawberry | strawberry | 草莓 | food-fruit | 4
hamburger | hamburger, burger | 汉堡, 汉堡包 | food | 4
pizza | pizza | 披萨, 比萨 | food | 4
sandwich | sandwich | 三明治 | food | 4
cake | cake, shortcake | 蛋糕 | food | 3
birthday-cake | birthday cake, cake | 生日蛋糕, 蛋糕 | food | 4
coffee | coffee, hot beverage, cup of coffee | 咖啡, 热饮 | food | 4
milk | glass of milk, milk | 一杯奶, 牛奶 | food | 4
bone | bone | 骨头 | food | 4
bread | bread, loaf | 面包 | food | 4
ice-cream | ice cream | 冰淇淋, 冰激凌 | food | 4
knife | kitchen knife, knife | 菜刀, 刀, 刀子 | object | 4
fork | fork | 叉子 | object | 2
teapot | teapot | 茶壶 | object | 4
vase | vase, amphora | 花瓶 | object | 3
chair | chair, seat | 椅子, 座椅 | object | 4
sofa | couch and lamp, couch, sofa | 沙发和灯, 沙发 | object | 4
lamp | lamp | 灯, 台灯 | object | 3
candle | candle | 蜡烛 | object | 4
umbrella | umbrella | 雨伞, 伞 | object | 4
balloon | balloon, party balloon | 气球 | object | 5
hot-air-balloon | hot air balloon | 热气球 | travel | 2
red-lantern | red paper lantern, lantern | 红灯笼, 灯笼 | object | 4
gift | wrapped gift, gift, present | 礼物, 礼盒 | object | 4
guitar | guitar | 吉他 | object | 4
book | open book, book | 打开的书本, 书, 书本 | object | 4
clock | clock, alarm clock | 闹钟, 钟, 时钟 | object | 4
key | key | 钥匙 | object | 4
scissors | scissors | 剪刀 | object | 4
eraser | eraser, rubber | 橡皮擦, 橡皮 | object | 2
ball | soccer ball, ball, football | 足球, 球 | activity | 4
teddy-bear | teddy bear, bear | 泰迪熊, 玩具熊 | object | 4
bicycle | bicycle, bike | 自行车, 单车 | travel | 4
car | automobile, car, sports car | 汽车, 车, 轿车, 跑车 | travel | 4
boat | sailboat, boat | 帆船, 船 | travel | 4
airplane | airplane, plane | 飞机 | travel | 4
rocket | rocket | 火箭 | travel | 4
house | house, home | 房子, 房屋 | travel | 4
castle | castle | 城堡 | travel | 4
tree | deciduous tree, tree | 落叶树, 树 | nature | 4
christmas-tree | christmas tree, tree | 圣诞树 | nature | 4
cactus | cactus | 仙人掌 | nature | 4
rose | rose, flower | 玫瑰, 玫瑰花 | nature | 4
tulip | tulip, flower | 郁金香 | nature | 4
sunflower | sunflower, flower | 向日葵 | nature | 4
flower | flower, blossom | 花, 花朵 | nature | 4
maple-leaf | maple leaf, leaf | 枫叶, 叶子 | nature | 4
sun | sun | 太阳 | nature | 4
moon | crescent moon, moon | 月亮, 弯月 | nature | 4
star | star | 星星, 星 | nature | 4
rainbow | rainbow | 彩虹 | nature | 4
fire | fire, flame | 火, 火焰 | nature | 4
snowman | snowman | 雪人 | nature | 4
heart | red heart, heart, love | 红心, 心, 爱心 | symbol | 4
ice | ice | 冰块, 冰 | food | 3
rock | rock, stone | 石头, 岩石 | nature | 3
wood | wood, log | 木头, 原木 | nature | 3
gold-medal | 1st place medal, medal, gold | 金牌, 奖牌 | activity | 4
girl | girl | 女孩, 小女孩 | person | 4
boy | boy | 男孩 | person | 4
man | man | 男人 | person | 4
woman | woman | 女人 | person | 4
nose | nose | 鼻子 | body | 3
eye | eye | 眼睛 | body | 3
clown | clown face, clown | 小丑, 小丑脸 | smileys | 4
butter | butter | 黄油 | food | 3
"""

_DRAWINGS: tuple[Drawing, ...] = ("3d", "shaded", "flat", "outline", "photo")


def _concept(line: str) -> Concept:
    identity, english, chinese, group, drawings = (part.strip() for part in line.split("|"))
    words_en = tuple(word.strip() for word in english.split(","))
    words_zh = tuple(word.strip() for word in chinese.split(","))
    return Concept(
        id=identity,
        name_en=words_en[0],
        name_zh=words_zh[0],
        words_en=words_en,
        words_zh=words_zh,
        group=group,
        exemplars=tuple((kind, f"{kind}/{identity}") for kind in _DRAWINGS[: int(drawings)]),
    )


SMALL_LIBRARY: tuple[Concept, ...] = tuple(_concept(line) for line in _TABLE.strip().splitlines())
