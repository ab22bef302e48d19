import pytest

from domain.function_words import foreign_language

FOREIGN = {
    "German": ["Das Wetter ist heute sehr schön.", "Der Zug nach Berlin fährt um acht Uhr ab."],
    "French": ["Il fait très beau aujourd'hui.", "Bonjour, comment allez-vous ?"],
    "Spanish": ["Hoy hace muy buen tiempo.", "Buenos días, ¿cómo está usted?"],
    "Italian": ["Oggi il tempo è molto bello.", "Buon compleanno a tutta la famiglia!"],
    "Portuguese": ["Bom dia, como vai você?", "Ainda não li o livro, mas estou ansioso."],
    "Dutch": ["Het weer is vandaag erg mooi.", "Goedemorgen, hoe gaat het met u?"],
    "Swedish": ["Vädret är mycket vackert idag.", "God morgon, hur mår du?"],
    "Danish": ["Vejret er meget smukt i dag.", "Toget til København kører klokken otte."],
    "Norwegian": ["Været er veldig fint i dag.", "Jeg har ikke lest boken ennå."],
    "Polish": ["Pogoda jest dzisiaj bardzo ładna.", "Dzień dobry, jak się masz?"],
    "Czech": ["Dobré ráno, jak se máte?", "Knihu jsem ještě nečetl, ale těším se na ni."],
    "Turkish": ["Bugün hava çok güzel.", "Günaydın, nasılsınız?"],
    "Finnish": ["Sää on tänään erittäin kaunis.", "En ole vielä lukenut kirjaa."],
    "Hungarian": ["Ma nagyon szép idő van.", "Jó reggelt, hogy van?"],
    "Romanian": ["Bună dimineața, ce mai faceți?", "Vremea este foarte frumoasă astăzi."],
    "Vietnamese": ["Chào buổi sáng, bạn có khỏe không?", "Hôm nay thời tiết rất đẹp."],
    "Indonesian": ["Selamat pagi, apa kabar?", "Saya belum membaca buku itu."],
}
RELATED = {"Danish", "Norwegian"}
ENGLISH = [
    "Hello.",
    "Chapter 1",
    "-5 degrees",
    "Mr. Müller ordered a café au lait in São Paulo.",
    "Mr. Schmidt met Señora García in São Paulo.",
    "The Deutsche Bahn train from München to Köln was late again.",
    "Ludwig van Beethoven, Johann Sebastian Bach, Wolfgang Amadeus Mozart.",
    "She ordered a croissant, a café au lait and crème brûlée à la carte.",
    "Les Misérables opens in Le Havre on Tuesday.",
    "Der Spiegel and Le Monde report on it, La Repubblica does not.",
    "Rio de Janeiro, Buenos Aires, Ciudad de México.",
    "A priori, the de facto standard is, per se, quid pro quo.",
    "C'est la vie, as they say.",
    "Déjà vu: the en route passengers saw a cul-de-sac.",
    "Björk sang in Reykjavík with Sigur Rós.",
    "Nguyễn Văn An lives in Hà Nội and Đà Nẵng.",
    "Sauté the jalapeño, then add the gruyère and the crème fraîche.",
    "Pedro de la Cruz, José María del Río y Fernández, mayor of San José.",
    "Vincent van der Berg, Jan van den Heuvel, Dirk de Vries.",
    "Ursula von der Leyen, Hans-Dietrich von und zu Guttenberg.",
    "do re mi fa so la ti do",
    "Die hard fans die for that. So die! Die, monster!",
    "Gift, hat, bald, fast, rot, war, also, kind, hell.",
    "Ten men met a man in a den.",
    "Veni, vidi, vici means I came, I saw, I conquered.",
    "Hola! That's all the Spanish I know.",
    "Guten Tag, ladies and gentlemen.",
    "Willkommen, bienvenue, welcome!",
    "Source: https://example.com/com/como/para.html, v2.3.1",
    "On 29 April, support for Python ended.",
    "?!",
    "",
]


@pytest.mark.parametrize(
    ("language", "text"), [(name, text) for name, texts in FOREIGN.items() for text in texts]
)
def test_a_sentence_of_another_language_is_known(language: str, text: str) -> None:
    found = foreign_language(text)

    assert found is not None
    assert found == language or {found, language} <= RELATED


@pytest.mark.parametrize("text", ENGLISH)
def test_names_loan_words_and_quotations_leave_a_text_english(text: str) -> None:
    assert foreign_language(text) is None


def test_letters_and_their_accents_may_stand_apart() -> None:
    assert foreign_language("Das Wetter ist heute sehr scho\u0308n.") == "German"


def test_a_foreign_text_may_quote_english() -> None:
    assert foreign_language("Er hat mir gesagt: keep it. Das ist nicht sehr gut.") == "German"
