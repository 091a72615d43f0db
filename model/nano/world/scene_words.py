"""The phrases of captions for scenes. They are training data."""

import re

# {c}: the backdrop's colour
SCENE_WORDS: dict[str, tuple[str, ...]] = {
    "beach": (
        "on a beach", "on a sandy beach", "at the beach", "on the beach by the sea", "by the seaside",
        "on a sunny beach", "on golden sand by the ocean", "on a tropical beach", "on a summer holiday by the sea",
        "under palm trees", "on a beach in summer", "by the sea",
    ),
    "snow": (
        "in the snow", "in snowy mountains", "in front of snowy mountains", "on a snowfield", "in the alps in winter",
        "in a winter landscape", "on a snowy mountain", "on a ski slope", "in winter", "on a cold winter morning",
        "in deep snow",
    ),
    "forest": (
        "in a forest", "in the forest", "in the woods", "among fir trees", "in a green forest", "in front of tall firs",
        "in a pine forest", "on the forest floor", "in a misty forest", "among pines",
    ),
    "desert": (
        "in the desert", "in a desert", "among sand dunes", "on desert dunes", "in front of dunes", "in a hot desert",
        "on sand dunes", "in the Sahara", "among cacti in the desert", "under the desert sun",
    ),
    "underwater": (
        "under water", "underwater", "at the bottom of the sea", "in the deep blue sea", "on the sea floor",
        "in an underwater world", "below the waves", "on a coral reef", "in the ocean among corals",
    ),
    "space": (
        "in space", "in outer space", "among the stars", "on the moon", "in front of a planet in space",
        "on a moon among stars", "in the galaxy", "on the surface of the moon", "in orbit", "on another planet",
    ),
    "sunset": (
        "at sunset by the sea", "in front of a sunset", "with the sun setting over the sea", "at a sunset beach",
        "against a sunset", "as the sun sets over the water", "at sunset over the ocean", "at sunset",
        "at golden hour by the sea", "in the evening sun by the ocean",
    ),
    "clouds": (
        "above the clouds", "in the clouds", "in a blue sky", "in the sky", "on a sea of clouds", "among white clouds",
        "high in the sky with clouds", "floating on clouds", "on cloud nine",
    ),
    "lake": (
        "by a lake", "at a mountain lake", "on a pier by a lake", "on a wooden pier", "in front of a lake",
        "at a lake with mountains", "at the lakeside", "on a jetty", "on a dock by the lake",
    ),
    "mountain top": (
        "on a mountain top", "on top of a mountain", "on a summit", "at the summit", "on a rocky peak",
        "high up in the mountains", "on a mountain peak", "on a cliff above the valley",
        "with a mountain panorama behind", "on a mountaintop",
    ),
    "river": (
        "by a river", "on the riverbank", "at the river", "by a winding river", "beside a stream",
        "on the banks of a river", "in a green river valley", "next to a creek", "at the riverside",
    ),
    "waterfall": (
        "by a waterfall", "in front of a waterfall", "at a waterfall", "with a waterfall behind",
        "at the foot of a waterfall", "on wet rocks by a waterfall", "near a rushing waterfall", "beneath a waterfall",
    ),
    "jungle": (
        "in the jungle", "in a jungle", "in a tropical rainforest", "among tropical leaves", "in the rainforest",
        "surrounded by tropical plants", "in a lush jungle", "between big green leaves", "in the tropics",
    ),
    "sunrise": (
        "at sunrise", "at sunrise in the mountains", "in front of mountains at sunrise", "at dawn in the hills",
        "with the sun rising over the mountains", "in the early morning light of the mountains", "at daybreak",
        "against a mountain sunrise", "in hazy mountains in the morning",
    ),
    "starry night": (
        "under a starry sky", "under the stars", "on a starry night", "beneath a night sky full of stars",
        "at night under the stars", "at night in the countryside", "on a clear night", "under the night sky",
        "below a starry sky",
    ),
    "northern lights": (
        "under the northern lights", "beneath the aurora", "with the northern lights above", "in the Arctic night",
        "under the aurora borealis", "in Iceland under the northern lights", "in a polar night", "in Lapland at night",
    ),
    "rocky coast": (
        "on a rocky coast", "on the rocks by the sea", "on a cliff by the ocean", "at the cliffs", "by a stormy sea",
        "on a rugged coastline", "on a stony shore", "at the coast", "on rocks by the ocean",
    ),
    "meadow": (
        "on a meadow", "in a meadow with flowers", "in a green field", "on a flower meadow", "in spring hills",
        "on green hills", "on the grass with flowers", "on a summer day in the fields", "in a wildflower meadow",
        "on a summer meadow", "in a field of flowers",
    ),
    "autumn": (
        "in an autumn park", "in autumn", "in a park in autumn", "among autumn trees", "in the fall",
        "with autumn leaves", "under autumn trees", "in an autumn forest", "on fallen leaves", "on a golden autumn day",
        "among fall foliage",
    ),
    "blossom": (
        "under cherry blossoms", "among blossoming trees", "in spring", "in a park in spring",
        "under cherry trees in bloom", "in spring blossom", "with cherry blossom behind", "on a spring day",
        "in an orchard in bloom", "during cherry blossom season",
    ),
    "garden": (
        "in a garden", "in the garden", "in a backyard", "on a lawn by a hedge", "in a flower garden",
        "in a sunny garden", "on the patio", "on a garden table", "in front of a hedge", "in our garden",
    ),
    "greenhouse": (
        "in a greenhouse", "in a glasshouse", "in a conservatory", "among plants in a greenhouse", "in a winter garden",
        "in an orangery", "inside a greenhouse full of plants", "in a botanical glasshouse",
    ),
    "farm": (
        "on a farm", "at a farm", "in front of a red barn", "in front of a barn", "on a field by a barn",
        "in a farmyard", "on a ranch", "by a wooden farm fence", "on a country farm",
    ),
    "vineyard": (
        "in a vineyard", "among the vines", "in front of a vineyard", "between rows of vines", "in the wine country",
        "at a winery", "in the vineyards of Tuscany", "on a wine estate",
    ),
    "castle": (
        "in front of a castle", "at a castle", "by a fairy-tale castle", "with a castle behind", "before castle towers",
        "on the path to a castle", "in a fairy tale", "outside a medieval castle", "in a fairytale kingdom",
    ),
    "campsite": (
        "at a campsite", "in front of a tent", "on a camping trip", "while camping", "by a tent in the woods",
        "next to a tent", "on a campground", "camping in the mountains", "at base camp",
    ),
    "picnic": (
        "on a picnic blanket", "at a picnic", "on a checked blanket in the park", "on a picnic in the park",
        "on a blanket on the lawn", "at a summer picnic", "on a chequered blanket", "on a gingham blanket",
    ),
    "cabin": (
        "in front of a snow-covered cabin", "by a cabin in the snow", "at a log cabin in winter",
        "outside a snowy cabin", "at a mountain hut in the snow", "in front of a wooden hut in winter",
        "at a ski chalet", "at a cosy winter cabin", "by a chalet in the snow",
    ),
    "playground": (
        "on a playground", "at the playground", "at a children's playground", "next to a slide", "by the swings",
        "in front of a slide and swings", "on a play area in the park", "at a kids' playground",
    ),
    "rooftop": (
        "on a rooftop terrace", "on a rooftop", "at a rooftop bar", "on a roof terrace", "on a balcony with a view",
        "on a terrace above the city", "at a rooftop party", "on a balcony", "high above the roofs of the city",
    ),
    "halloween": (
        "at Halloween", "on Halloween night", "in a spooky night", "among pumpkins", "in a spooky graveyard",
        "with jack-o'-lanterns", "on a haunted night", "for Halloween", "with carved pumpkins",
    ),
    "city": (
        "in the city", "in a city", "in front of city towers", "in a city by day", "with a city skyline behind",
        "downtown by day", "on a square in the city", "in front of skyscrapers", "on a plaza downtown", "in New York",
        "in a big city",
    ),
    "night city": (
        "in a city at night", "in the city at night", "with a night skyline behind", "in a night city",
        "downtown at night", "in front of lit windows at night", "with city lights at night", "in Tokyo at night",
        "in front of a skyline at night", "in the city after dark",
    ),
    "street": (
        "on a street", "on a shopping street", "in front of shops", "in a street with shops", "on the pavement",
        "on a high street", "in an old town street", "in front of a shop window", "on a sidewalk in Paris",
        "on a cobbled street", "in a pedestrian zone",
    ),
    "rain street": (
        "on a rainy street", "in the rain", "on a wet street at dusk", "on a rainy day", "on a rainy evening in town",
        "on a street in the rain", "in pouring rain", "with puddles on the street", "in a rainy city",
    ),
    "harbour": (
        "at the harbour", "in a harbour", "in front of sailing boats", "at the marina", "on the quay", "at the port",
        "by the boats", "in a fishing village", "in a marina with yachts", "on the waterfront", "at the harbor",
    ),
    "station": (
        "at a train station", "on a platform", "in a subway station", "in front of a train", "at the underground",
        "on the metro platform", "at the railway station", "waiting for the train", "on a subway platform",
        "in the metro",
    ),
    "airport": (
        "at the airport", "in an airport", "in a departure lounge", "in front of a plane", "at the gate",
        "in an airport terminal", "waiting for a flight", "at an airport window", "before take-off",
    ),
    "highway": (
        "on a highway", "on a road trip", "on an open road", "on a desert highway", "on a country road", "on the road",
        "on a long straight road", "far from home on a road trip", "on route 66",
    ),
    "bridge": (
        "in front of a bridge", "by a suspension bridge", "with a bridge behind", "in San Francisco",
        "by the Golden Gate Bridge", "on a bay with a bridge", "in view of a big bridge", "beneath a long bridge",
        "across from a suspension bridge",
    ),
    "kitchen": (
        "in a kitchen", "on a kitchen table", "in the kitchen", "on a wooden kitchen table", "in a bright kitchen",
        "on a kitchen counter", "in a tiled kitchen", "on a kitchen worktop", "in a country kitchen", "on a countertop",
    ),
    "living room": (
        "in a living room", "in the living room", "in front of a sofa", "at home in the living room",
        "in a cosy living room", "in a lounge with a sofa", "in a home with a couch", "in a cozy home",
        "in a modern living room", "on the carpet in front of the sofa", "at home",
    ),
    "bedroom": (
        "in a bedroom", "in the bedroom", "in front of a bed", "next to the bed", "in a cosy bedroom",
        "in a hotel room", "by the bed", "in a bright bedroom in the morning", "at the foot of the bed",
    ),
    "nursery": (
        "in a nursery", "in a children's room", "in the baby's room", "in a kid's bedroom", "next to a cot",
        "in a playroom", "in front of a crib", "in a baby room", "in the kids' room", "in a kindergarten",
    ),
    "bathroom": (
        "on a bathroom shelf", "in a bathroom", "in the bathroom", "by the bathroom mirror", "at the washbasin",
        "on a bathroom counter", "in a spa bathroom", "next to towels in the bathroom", "on a vanity",
    ),
    "bookshelf": (
        "in front of a bookshelf", "in a library", "in front of books", "in a study with books",
        "with bookshelves behind", "before a wall of books", "with a bookcase in the background", "in a bookshop",
        "at the library", "in a bookstore",
    ),
    "fireplace": (
        "by a fireplace", "in front of a fireplace", "by the fire", "in front of an open fire", "by a crackling fire",
        "at the hearth", "next to a warm fireplace", "on a cosy evening by the fire", "before a roaring fire",
    ),
    "window sill": (
        "on a window sill", "on a windowsill", "by the window", "at a window", "in front of a window",
        "on the window ledge", "in window light", "by a bright window", "on the sill of a window",
    ),
    "oak desk": (
        "on an oak desk", "on a desk", "on a wooden desk", "on a writing desk", "at a desk with a lamp",
        "in a home office", "on a desk with books", "on a student's desk", "on my desk", "on a work desk",
    ),
    "café": (
        "in a cosy café", "in a café", "in a cafe", "in a coffee shop", "on a café table", "at a coffee bar",
        "in a cozy coffee house", "in a bistro", "at a table in a café", "in a cosy cafe", "in a Viennese coffee house",
    ),
    "bakery": (
        "in a bakery", "at the bakery", "on a bakery counter", "in front of fresh bread", "among loaves of bread",
        "at the baker's", "in a patisserie", "with bread and rolls behind", "in an artisan bakery",
    ),
    "supermarket": (
        "in a supermarket", "on a supermarket shelf", "in front of supermarket shelves", "in a grocery store",
        "in a supermarket aisle", "in a shop with full shelves", "at the supermarket", "in a store aisle",
        "in the grocery aisle", "in a retail store",
    ),
    "market stall": (
        "at a market stall", "on a market stall", "at a farmers' market", "at the fruit market",
        "in front of crates of fruit", "at a fruit stand", "on a weekly market", "at a street market",
        "among fruit and vegetables at the market",
    ),
    "flower shop": (
        "in a flower shop", "at the florist's", "in front of buckets of flowers", "among flowers in a shop",
        "at a flower stand", "at a flower market", "in a florist's shop", "surrounded by bouquets",
    ),
    "boutique": (
        "in a boutique", "in a clothes shop", "in a fashion store", "in front of a clothes rail",
        "in a designer boutique", "in a clothing store", "in a dressing room", "in a fashion boutique",
    ),
    "bar": (
        "in a bar", "at a bar", "in a night club", "with neon lights", "in a cocktail bar", "on a bar counter",
        "under neon lights", "at a club at night", "in a pub", "in front of a neon sign", "in a neon-lit bar",
    ),
    "christmas market": (
        "at a Christmas market", "at the Christmas market", "on a Christmas market", "at Christmas",
        "in front of Christmas stalls", "at a festive Christmas fair", "next to a Christmas tree",
        "at a winter market with lights", "for Christmas", "in December at the Christmas market",
    ),
    "laboratory": (
        "in a laboratory", "in a lab", "on a lab bench", "in a science lab", "in front of flasks", "in a chemistry lab",
        "in a research laboratory", "among test tubes", "in a clean white lab",
    ),
    "stage": (
        "on a stage", "on stage", "on a stage with spotlights", "in a theatre", "under the spotlights",
        "on a theatre stage", "between red curtains on a stage", "in the spotlight", "in front of a curtain",
        "at the opera",
    ),
    "concert": (
        "at a concert", "at a rock concert", "at a music festival", "on a concert stage", "at a live show",
        "under coloured stage lights", "in front of a crowd at a concert", "at a gig", "at a festival at night",
    ),
    "gym": (
        "in a gym", "at the gym", "in a fitness studio", "in front of dumb-bells", "in a weight room", "at a workout",
        "on the floor of a gym", "in a fitness club", "in the gym next to weights",
    ),
    "classroom": (
        "in a classroom", "at school", "in front of a blackboard", "on a school desk", "in school",
        "in front of a chalkboard", "on a teacher's desk", "in a lecture room", "back to school",
    ),
    "office": (
        "in an office", "in the office", "on an office desk", "at work", "in a modern office", "at the workplace",
        "on a desk with a screen", "in a corporate office", "in a co-working space", "in a meeting room",
    ),
    "workshop": (
        "in a workshop", "on a workbench", "in front of tools", "in a carpenter's workshop", "at the workbench",
        "in a maker space", "in a tool shed", "in a craftsman's workshop", "with tools on the wall",
    ),
    "garage": (
        "in a garage", "in the garage", "in front of a garage door", "in a garage with tyres", "in a car repair shop",
        "at the mechanic's", "in an auto shop", "on the floor of a garage",
    ),
    "gallery": (
        "in a gallery", "in an art gallery", "in a museum", "in front of paintings", "at an exhibition",
        "in a museum of art", "at the museum", "before framed pictures", "at an art show", "in the Louvre",
    ),
    "pool": (
        "by the pool", "at a swimming pool", "at the pool", "by a swimming pool", "poolside", "at a hotel pool",
        "on the edge of a pool", "at a pool party", "in front of a blue pool",
    ),
    "stadium": (
        "on a football pitch", "in a stadium", "on a soccer field", "in a football stadium", "on a pitch",
        "in front of a goal", "at a football match", "on the grass of a stadium", "at the World Cup",
        "on a sports field",
    ),
    "bricks": (
        "in front of a brick wall", "against a brick wall", "in a loft with a brick wall", "by a brick wall",
        "with bricks behind", "with a brick wall in the background", "in front of bricks", "in an industrial loft",
        "against red bricks",
    ),
    "bokeh": (
        "in front of blurred lights", "with bokeh lights", "against bokeh", "with party lights behind",
        "with blurred lights in the background", "in front of festive lights", "with warm bokeh",
        "with a bokeh background", "against soft lights in the dark",
    ),
    "party": (
        "at a party", "with confetti", "in a shower of confetti", "among confetti and balloons",
        "in a colourful party scene", "at a carnival", "to celebrate", "on a confetti background", "at a celebration",
    ),
    "birthday": (
        "at a birthday party", "on a birthday table", "for a birthday", "with balloons and presents",
        "between birthday presents", "at a kids' birthday", "on a birthday", "next to gifts and balloons",
    ),
    "wooden table": (
        "on a wooden table", "on a rustic wooden table", "on wood", "on wooden planks", "on a table",
        "on a wooden surface", "on a rustic table top", "on weathered wood", "on dark wood", "on a wood table",
    ),
    "marble table": (
        "on a marble table", "on marble", "on a marble counter", "on white marble", "on a marble surface",
        "on a marble slab", "on polished marble", "on a marble worktop", "on a marble background",
    ),
    "marble podium": (
        "on a marble podium", "on a round marble podium", "on a marble pedestal", "on a marble plinth",
        "on a marble stand", "on a marble display", "on a marble platform with an arch", "on a pedestal of marble",
        "on a luxury marble podium",
    ),
    "concrete": (
        "on concrete", "on a concrete floor", "in front of a concrete wall", "against concrete",
        "on a grey concrete surface", "on raw concrete", "in a concrete room", "on cement", "on a concrete background",
    ),
    "linen": (
        "on linen", "on a linen cloth", "on fabric", "on a linen tablecloth", "on a woven cloth", "on cotton fabric",
        "on a textile background", "on natural linen", "on canvas cloth",
    ),
    "silk": (
        "on silk", "on a silk cloth", "on satin", "on flowing silk", "on shiny satin fabric", "on silk sheets",
        "draped in satin", "on a silky fabric", "on a silk background",
    ),
    "sand": (
        "on rippled sand", "on sand ripples", "on fine sand", "on a sand background", "on plain sand",
        "on soft sand ripples", "on raked sand", "in a zen garden of sand",
    ),
    "terrazzo": (
        "on terrazzo", "on a terrazzo counter", "on a terrazzo surface", "on a terrazzo table", "on speckled stone",
        "on a speckled counter", "on a terrazzo background", "on granite",
    ),
    "moss": (
        "on moss", "on mossy ground", "on soft green moss", "on the moss in soft light", "on a bed of moss",
        "on mossy forest ground", "in a bed of green moss", "on moss with blurred green behind",
    ),
    "leaves": (
        "in front of green leaves", "against a wall of leaves", "with leaves behind", "in front of a green wall",
        "before a living wall of plants", "with green foliage behind", "against foliage", "with ivy behind",
        "in front of a leafy wall",
    ),
    "podium": (
        "on a {c} podium", "on a {c} stage with an arch", "on a round {c} podium", "in a {c} set with an arch",
        "in front of a {c} arch", "on a {c} display stand", "on a {c} platform", "on a {c} pedestal", "on a {c} plinth",
    ),
    "stripes": (
        "in front of {c} stripes", "on a {c} striped background", "against a {c} striped wall",
        "with {c} stripes behind", "on a striped {c} backdrop", "in front of a striped {c} wall",
        "against {c} and white stripes", "with {c} striped wallpaper",
    ),
    "geometric": (
        "among {c} cubes and columns", "in a {c} geometric set", "with {c} blocks behind",
        "on a {c} set with geometric shapes", "in front of {c} geometric blocks", "in a {c} block landscape",
        "between {c} cubes", "on a {c} geometric background",
    ),
    "studio": (
        "on a {c} studio background", "in a {c} studio", "on a plain {c} background", "on a {c} backdrop",
        "in front of a plain {c} wall", "against a {c} backdrop", "on {c}, studio shot", "on a {c} background",
        "against a plain {c} background", "on a solid {c} background", "on {c}", "with a {c} background",
        "on a {c} ground", "in front of a {c} wall", "on {c} seamless paper", "background {c}",
    ),
    "pure white": (
        "on a pure white background", "on pure white", "on a white background", "on white", "isolated on white",
        "on a plain white background", "on a clean white background", "cut out on white", "in a white studio",
        "on a seamless white background", "white background", "pure white", "packshot on white", "on #ffffff",
        "on a white backdrop", "marketplace white",
    ),
    "abstract": (
        "on an abstract background", "in front of abstract shapes", "on a colourful background", "in an abstract scene",
        "against a wall of colours", "with colourful shapes behind", "in a made-up place", "on an artistic backdrop",
        "in an imaginary world",
    ),
    "mood warm indoor": (
        "in a cosy place", "in a warm room", "in a restaurant", "in a hotel lobby", "in a wine cellar", "in a pizzeria",
        "in a steakhouse", "in a tavern", "in a church", "in a cathedral", "in a sauna", "in a barber shop",
        "in a tailor's shop", "in an antique shop", "in an attic", "in a yoga studio", "in a tea house",
        "in a cigar lounge", "in a courtroom", "in a bowling alley", "in a music shop", "in a recording studio",
        "in a chocolate shop", "in a pottery", "in a brewery", "in a saloon", "in a wooden lodge", "in a dining room",
        "on a dinner table", "in a warm interior",
    ),
    "mood cool indoor": (
        "in a laundromat", "in a hospital", "in a clinic", "in a dentist's practice", "in a pharmacy",
        "in a server farm", "in a server room", "in a factory", "in a warehouse", "in a shopping mall",
        "in a car showroom", "in a bank", "in a spaceship", "in a submarine", "in an elevator", "in a fridge",
        "in an ice palace", "in an aquarium", "in an operating theatre", "in a hangar", "in a cleanroom",
        "in a clean interior", "in a corridor", "in a lobby of glass", "on an assembly line", "in a control room",
        "in an electronics store", "at a trade fair", "in a phone shop", "in a swimming hall",
    ),
    "mood green outdoor": (
        "in a park", "in a botanical garden", "on a golf course", "in the bush", "in a bamboo grove", "at the zoo",
        "in a swamp", "on an allotment", "in an orchard", "in a rice field", "on a tea plantation", "in Ireland",
        "on a tennis lawn", "in a clearing", "in an olive grove", "on a hiking trail", "in nature", "outdoors",
        "in the countryside", "in a cornfield", "under an oak tree", "in a treehouse", "in a maze of hedges",
        "on a cricket ground", "in the highlands",
    ),
    "mood blue outdoor": (
        "on a boat", "on a yacht", "on a cruise ship", "on an island", "at the North Pole", "in Antarctica",
        "on an iceberg", "on a frozen lake", "on a surfboard", "on a raft", "in a lagoon", "at a lighthouse",
        "on a sailing trip", "in a hot-air balloon", "in Greece", "in Santorini", "at a glacier", "on a ferry",
        "on the deck of a ship", "on the water", "in the Maldives", "at an ice rink", "in an igloo", "on a dam",
    ),
    "mood warm outdoor": (
        "on Mars", "in a canyon", "in the Grand Canyon", "on a volcano", "in the savannah", "on safari",
        "in the outback", "in the Wild West", "in ancient Egypt", "at the pyramids", "in Morocco", "in a quarry",
        "in the Colosseum", "in the steppe", "on a prairie", "in a wheat field", "in Petra", "in the badlands",
        "in a red rock valley", "in Rome", "in the late afternoon sun", "in warm evening light", "in a lavender field",
        "in a bazaar",
    ),
    "mood urban": (
        "in an alley", "in a parking lot", "in a skate park", "at a bus stop", "on a building site", "in Berlin",
        "at a petrol station", "in a tunnel", "on a crosswalk", "in a backstreet", "in front of graffiti",
        "on a basketball court", "at a traffic light", "in London", "under a flyover", "in a multi-storey car park",
        "in a suburb", "at a food truck", "on the stairs outside", "in an industrial area", "on a car roof",
        "at a taxi rank", "in a courtyard", "in Chinatown",
    ),
    "mood dark": (
        "in a cave", "in a cellar", "in a dungeon", "in a haunted house", "in a mine", "in a cinema", "in a vault",
        "in a dark room", "in a vampire's crypt", "at midnight", "in the shadows", "in a dark alley",
        "in a planetarium", "in a black hole", "in a cyberpunk world", "in the deep sea trench", "in a gothic hall",
        "in a dark, moody place", "in film noir light", "in a night train", "in a storm at night", "on a dark surface",
        "in a gaming room", "in an escape room",
    ),
    "mood bright": (
        "in heaven", "in a wedding venue", "in a beauty salon", "in a nail studio", "in a spa", "in an atelier",
        "in a dance studio", "in a photo studio", "in a bright, airy place", "in a white room", "in a minimalist room",
        "in a sunroom", "at a brunch", "at a wedding", "in a ballet school", "in a dream", "in a skincare setting",
        "in a Scandinavian interior", "in soft daylight", "in a light-filled space", "in a hair salon",
        "in an ice-cream parlour", "in a candy shop", "in a cloud kitchen", "in a bright interior",
    ),
    "mood festive": (
        "at a fair", "at a funfair", "in a circus", "at the fairground", "on New Year's Eve", "with fireworks",
        "in a casino", "in Las Vegas", "at a disco", "at a ball", "at a gala", "at a prom", "at Mardi Gras",
        "at Oktoberfest", "in an arcade", "at a theme park", "on a carousel", "on Valentine's Day", "at Easter",
        "at Diwali", "at Chinese New Year", "in a karaoke bar", "at an awards show", "on a red carpet",
        "in a festive setting", "at a magic show",
    ),
}  # fmt: skip
SCENE_NOUNS: dict[str, tuple[str, ...]] = {
    "beach": ("sunny beach", "a sandy beach", "beach"),
    "snow": ("snowy mountains", "a winter landscape", "snow"),
    "forest": ("a green forest", "forest", "pine forest"),
    "desert": ("desert", "desert dunes", "a hot desert"),
    "underwater": ("underwater world", "coral reef", "the sea floor"),
    "space": ("outer space", "space", "the moon"),
    "sunset": ("sunset by the sea", "sunset", "a sunset beach"),
    "clouds": ("blue sky with clouds", "a sea of clouds", "clouds"),
    "lake": ("a mountain lake", "lake", "wooden pier"),
    "mountain top": ("mountain top", "a mountain summit", "rocky peak"),
    "river": ("river", "a green river bank", "riverside"),
    "waterfall": ("waterfall", "a rushing waterfall"),
    "jungle": ("jungle", "a tropical rainforest", "tropical leaves"),
    "sunrise": ("mountain sunrise", "sunrise", "dawn in the mountains"),
    "starry night": ("starry night", "a starry sky", "night sky"),
    "northern lights": ("northern lights", "aurora", "polar night"),
    "rocky coast": ("rocky coast", "cliffs by the sea"),
    "meadow": ("flower meadow", "a green meadow", "summer meadow"),
    "autumn": ("autumn park", "an autumn forest", "autumn"),
    "blossom": ("cherry blossom", "spring blossom", "a spring park"),
    "garden": ("garden", "a sunny garden", "backyard"),
    "greenhouse": ("greenhouse", "a greenhouse full of plants"),
    "farm": ("farm", "a red barn", "farmyard"),
    "vineyard": ("vineyard", "rows of vines"),
    "castle": ("castle", "a fairy-tale castle"),
    "campsite": ("campsite", "a tent in the woods", "camping trip"),
    "picnic": ("picnic blanket", "a summer picnic", "picnic"),
    "cabin": ("snow-covered cabin", "a cabin in the snow", "winter cabin"),
    "playground": ("playground", "a children's playground"),
    "rooftop": ("rooftop terrace", "a rooftop bar", "roof terrace"),
    "halloween": ("Halloween", "a spooky Halloween night", "Halloween night"),
    "city": ("city", "a city skyline", "downtown"),
    "night city": ("city at night", "a night skyline", "night city"),
    "street": ("shopping street", "an old town street", "street with shops"),
    "rain street": ("rainy street", "a wet street", "rainy evening in town"),
    "harbour": ("harbour", "a marina with boats", "marina"),
    "station": ("train station", "a subway platform", "railway platform"),
    "airport": ("airport", "a departure lounge", "airport terminal"),
    "highway": ("road trip", "an open highway", "highway"),
    "bridge": ("suspension bridge", "a bay with a bridge"),
    "kitchen": ("kitchen", "a bright kitchen", "kitchen counter"),
    "living room": ("living room", "a cosy living room", "lounge with a sofa"),
    "bedroom": ("bedroom", "a cosy bedroom", "hotel room"),
    "nursery": ("nursery", "a children's room", "baby room"),
    "bathroom": ("bathroom shelf", "a bathroom", "bathroom"),
    "bookshelf": ("library", "a wall of books", "bookshelf"),
    "fireplace": ("fireplace", "a warm fireplace", "open fire"),
    "window sill": ("window sill", "a bright window", "windowsill"),
    "oak desk": ("oak desk", "a wooden desk", "home office desk"),
    "café": ("café", "a cosy café", "coffee shop"),
    "bakery": ("bakery", "a bakery counter", "artisan bakery"),
    "supermarket": ("supermarket", "a supermarket shelf", "grocery store"),
    "market stall": ("market stall", "a farmers' market", "fruit market"),
    "flower shop": ("flower shop", "a florist's", "flower stand"),
    "boutique": ("boutique", "a fashion store", "clothes shop"),
    "bar": ("neon bar", "a cocktail bar", "night club"),
    "christmas market": ("Christmas market", "a Christmas market", "Christmas"),
    "laboratory": ("laboratory", "a science lab", "lab bench"),
    "stage": ("theatre stage", "a stage with spotlights", "stage"),
    "concert": ("concert", "a rock concert", "music festival"),
    "gym": ("gym", "a fitness studio"),
    "classroom": ("classroom", "a school blackboard", "school"),
    "office": ("office", "a modern office", "office desk"),
    "workshop": ("workshop", "a workbench", "tool shed"),
    "garage": ("garage", "a garage door"),
    "gallery": ("art gallery", "a museum", "museum"),
    "pool": ("swimming pool", "a hotel pool", "pool"),
    "stadium": ("football stadium", "a football pitch", "soccer field"),
    "bricks": ("brick wall", "a red brick wall", "industrial loft"),
    "bokeh": ("bokeh lights", "a bokeh background", "blurred lights"),
    "party": ("confetti party", "a party with confetti", "confetti"),
    "birthday": ("birthday party", "a birthday table", "birthday"),
    "wooden table": ("wooden table", "a rustic wooden table", "wooden planks"),
    "marble table": ("marble table", "a marble counter", "white marble"),
    "marble podium": ("marble podium", "a marble pedestal"),
    "concrete": ("concrete", "a concrete floor", "concrete wall"),
    "linen": ("linen cloth", "a linen tablecloth", "fabric"),
    "silk": ("silk", "satin fabric", "a silk cloth"),
    "sand": ("sand ripples", "rippled sand", "fine sand"),
    "terrazzo": ("terrazzo", "a terrazzo counter"),
    "moss": ("green moss", "a bed of moss", "moss"),
    "leaves": ("green leaves", "a wall of leaves", "leafy wall"),
    "podium": ("{c} podium", "a {c} podium with an arch"),
    "stripes": ("{c} stripes", "a {c} striped wall"),
    "geometric": ("{c} geometric shapes", "a {c} geometric set"),
    "studio": ("{c} background", "a plain {c} background", "{c} studio", "plain {c}"),
    "pure white": ("white background", "a pure white background", "pure white", "plain white"),
    "abstract": ("abstract background", "an abstract scene", "colourful background"),
    "mood warm indoor": ("restaurant", "warm interior", "hotel lobby"),
    "mood cool indoor": ("hospital", "clean interior", "warehouse", "server room"),
    "mood green outdoor": ("park", "nature", "botanical garden"),
    "mood blue outdoor": ("island", "boat trip", "sailing boat"),
    "mood warm outdoor": ("Mars", "canyon", "savannah"),
    "mood urban": ("alley", "skate park", "parking lot"),
    "mood dark": ("cave", "dark room", "cellar"),
    "mood bright": ("spa", "bright interior", "beauty salon", "wedding"),
    "mood festive": ("funfair", "New Year's Eve", "circus"),
}
"""Names of scenes without a preposition, for captions such as "Christmas market: the mug and Kiki"."""


def with_colour(phrase: str, colour: str | None) -> str:
    """Returns a phrase with its colour filled in and the article that goes with it, as in "on an olive background"."""
    vowel = re.match("[aeiou]", colour or "")
    return (re.sub(r"\b([Aa]) \{c\}", r"\1n {c}", phrase) if vowel else phrase).format(c=colour or "")
