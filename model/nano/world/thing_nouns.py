"""Nouns of things: ordinary products, animals and mascots. They say nothing about what the thing looks like."""

THING_NOUNS: tuple[str, ...] = tuple(
    noun.strip()
    for noun in """
mug, bottle, can, box, bag, cap, t-shirt, phone, sneaker, jar, backpack, candle, notebook, watch, teapot, lamp, cup,
tube, vase, bowl, plate, kettle, toaster, blender, thermos, flask, pitcher, carafe, tumbler, glass, goblet, jug, pan,
pot, casserole, ladle, whisk, grater, cutting board, rolling pin, coffee maker, espresso machine, coffee grinder,
french press, moka pot, lunch box, cookie tin, tea tin, spice jar, salt shaker, pepper mill, oil bottle, honey jar,
jam jar, milk carton, juice box, juice bottle, soda can, beer bottle, wine bottle, whisky bottle, cereal box, snack bag,
chocolate box, gift box, parcel, hat box, perfume bottle, perfume, lipstick, nail polish, face cream, hand cream,
lotion, shampoo bottle, shampoo, conditioner, soap dispenser, soap bar, toothbrush, razor, hair dryer, hair brush, comb,
mirror, makeup bag, sponge, towel, bath bomb, scented candle, diffuser, incense holder, cushion, pillow, blanket, rug,
stool, chair, armchair, sofa, bench, table, side table, desk, shelf, cabinet, drawer, basket, laundry basket, bin,
bucket, watering can, plant pot, planter, flower pot, bird house, lantern, floor lamp, table lamp, desk lamp, lampshade,
light bulb, torch, clock, alarm clock, wall clock, picture frame, photo frame, globe, bookend, pen, pencil, marker,
highlighter, eraser, stapler, tape dispenser, pencil case, folder, binder, planner, diary, book, comic, magazine,
envelope, stamp, calculator, laptop, tablet, keyboard, mouse, monitor, printer, router, speaker, smart speaker,
headphones, earbuds, microphone, camera, action camera, drone, tripod, lens, projector, radio, record player,
turntable, cassette, console, game controller, joystick, game boy, power bank, charger, battery, plug, remote, robot,
robot vacuum, vacuum cleaner, iron, fan, heater, air purifier, humidifier, drill, hammer, toolbox, screwdriver, wrench,
saw, paint can, spray can, glue stick, ladder, helmet, bike helmet, bicycle, scooter, skateboard, surfboard, snowboard,
ski, sled, ball, football, basketball, tennis ball, racket, glove, boxing glove, yoga mat, dumbbell, kettlebell,
water bottle, sports bottle, whistle, kite, frisbee, tent, sleeping bag, cooler, camping stove, shoe, boot, rain boot,
hiking boot, sandal, slipper, heel, trainer, sock, hat, beanie, scarf, mitten, jacket, coat, hoodie, sweater, dress,
skirt, jeans, shorts, tie, bow tie, belt, wallet, purse, handbag, tote bag, clutch, suitcase, briefcase, duffel bag,
umbrella, sunglasses, glasses, ring, earring, necklace, bracelet, brooch, toy car, toy train, toy, doll, puppet,
teddy bear, plush toy, building block, puzzle, dice, board game, spinning top, rocking horse, rattle, baby bottle,
pacifier, stroller, dog bowl, dog collar, cat tree, bird cage, fish tank, cake, cupcake, muffin, doughnut, cookie,
ice cream, lolly, burger, sandwich, pizza, pretzel, croissant, loaf, cheese, sausage, egg, apple, pear, orange, melon,
pumpkin, carrot, cactus, succulent, flower, bouquet, tree, mushroom, stone, crystal, shell, trophy, medal, drum,
guitar, violin, trumpet, piano, bell, car, van, truck, bus, tram, boat, rocket, plane, balloon, dog, cat, rabbit,
hamster, mouse mascot, bear, panda, koala, fox, wolf, lion, tiger, leopard, elephant, giraffe, zebra, horse, donkey,
cow, pig, sheep, goat, deer, moose, camel, llama, kangaroo, sloth, otter, beaver, badger, raccoon, squirrel, hedgehog,
mole, bat, monkey, gorilla, owl, eagle, parrot, penguin, duck, goose, swan, chicken, rooster, flamingo, crow, pigeon,
frog, toad, turtle, lizard, crocodile, snake, dinosaur, dragon, unicorn, fish, shark, whale, dolphin, seal, octopus,
crab, lobster, snail, bee, butterfly, beetle, ladybird, spider, ant, monster, alien, ghost, wizard, knight, pirate,
astronaut, elf, fairy, yeti, mascot, character, creature, critter, animal, product, item, object, gadget, device,
figure, figurine, statue, sculpture, package, container, accessory, tool, thing
""".split(",")
)
