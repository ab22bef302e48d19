"""Which foreign language a text in Latin letters is written in, judged by its commonest words."""

import unicodedata

import regex

# Words that are common in one language and neither English words, nor parts of names (de la, van
# der), nor loan words. Nearly related languages share words; the count decides between them.
_WORDS = {
    "German": "ich du wir ihr sie ist sind nicht ein eine einen einem einer und oder aber auch auf"
    " aus bei mit nach noch nur schon sehr wie wenn wird wurde werden haben habe kann dass das dem"
    " für über zum zur heute morgen guten danke bitte um im herzlichen alles gute uhr",
    "French": "je tu il elle nous vous ils elles est sont été être avec dans pour par pas plus mais"
    " ou où que qui une un des du au aux ce cette ces son sa ses mon ma mes votre notre très bien"
    " aujourd'hui c'est n'est j'ai n'ai qu'il d'un d'une bonjour merci comment joyeux tout toute à"
    " fait beau",
    "Spanish": "yo él ella nosotros usted ustedes está están es son fue muy pero porque como con"
    " para por que una uno los las del al se su sus mi lo le más también ya todavía hoy cuando"
    " donde hay hace buenos buenas días gracias hola tengo feliz toda todo sale tiempo un",
    "Italian": "io lui lei noi voi è sono era molto ma perché come con per che una uno gli della"
    " dello delle degli del dei al alla alle nel nella suo sua mio mia più anche già non oggi"
    " quando dove c'è buongiorno buon grazie ciao tutta tutto questo questa il un",
    "Portuguese": "eu ele ela nós você vocês é são está estão foi muito mas porque como com para"
    " por que uma um os das dos do da na no nas nos ao às seu sua meu minha mais também já ainda"
    " não hoje quando onde bom dia obrigado obrigada toda todo feliz",
    "Dutch": "ik jij hij zij wij jullie het een niet maar ook naar voor met van op dat deze dit"
    " zijn heeft heb hebben wordt werd worden kan zal nog meer zeer erg waar hoe wie goede uur om"
    " vandaag morgen dank je mijn uit er gaat gefeliciteerd goedemorgen",
    "Swedish": "jag hon vi ni är inte och eller också på av till från med ett som för om har hade"
    " kan ska mycket hur vad när var där det den den här idag tack god klockan grattis men läst",
    "Danish": "jeg hun vi er ikke og eller også på af til fra med et som for om har havde kan skal"
    " meget hvordan hvad hvor når det den der i dag tak god klokken tillykke men mig endnu",
    "Norwegian": "jeg hun vi er ikke og eller også på av til fra med et som for om har hadde kan"
    " skal veldig hvordan hva hvor når det den der i dag takk god klokken gratulerer men meg ennå",
    "Polish": "ja ty ona jest są był była nie się że ale czy jak tak też z ze na do od dla po przez"
    " przy ten ta tym tego jego jej który która jeszcze już bardzo dzisiaj dziś kiedy gdzie"
    " dzień dobry dziękuję mogę wszystkiego o w i",
    "Czech": "já ty ona je jsou byl byla není se že ale jak tak také z ze na do od pro po při"
    " ten ta tím toho jeho její který která ještě už velmi dnes kdy kde dobrý dobré den děkuji si v"
    " jsem všechno k",
    "Turkish": "ben sen biz siz onlar bir bu şu ve veya ama için ile çok daha değil var yok gibi"
    " kadar olan olarak ne nasıl nerede bugün günaydın teşekkürler merhaba saat evet hayır"
    " nasılsınız olsun",
    "Finnish": "minä sinä hän me te ja tai mutta ei ole on en oli ovat myös että kun jos niin vielä"
    " nyt hyvin erittäin tänään missä mitä milloin kiitos hyvää kello tämä se sitä koko kuuluu",
    "Hungarian": "én te ő mi ti ők és vagy de nem van volt lesz hogy az egy ez ezt azt is már még"
    " csak nagyon ma mikor hol köszönöm jó napot reggelt meg kell idő boldog kívánok",
    "Romanian": "eu tu el ea noi voi și sau dar nu este sunt era foarte cu pentru că care ce un o"
    " al ai ale la din pe spre după mai acest această astăzi când unde bună ziua mulțumesc am",
    "Vietnamese": "tôi bạn anh chị không có là và của cho với được này đó những các một rất nhưng"
    " cũng đã đang sẽ người khi ở đi về chào cảm ơn hôm nay",
    "Indonesian": "saya aku kamu anda dia kami kita mereka adalah dan atau tetapi tidak belum sudah"
    " yang dengan untuk dari ke di pada ini itu akan sangat hari selamat apa terima kasih bisa"
    " pukul",
}
_ENGLISH_WORDS = (
    "the and of that it it's with you this but his her they from she not are were which will would"
    " there their what when who been has had my our your said all out about them then than its into"
    " some could just know like how these those because every should did does don't can't i'm i've"
    " let's he she's he's we're you're be or if as an at by we us is was"
)
_AMBIGUOUS_WORDS = (
    "a al ale av ben biz care com come con dank de del den do don dos du el en era es est for god"
    " hay he hem hoe i io jest k la las le les los man me men met mi no nu o on once op os per plus"
    " po pour pro sale se si so son sung tack tag te ten ti to tu un v van var von w war y yes z"
    " sen sun min ta hun ma dar das der die des san voor na go ada dia ke ne ni toe uno"
)
"""Words of other languages that stand in English texts: as words, in names, in borrowed phrases."""

_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_LANGUAGES = {
    name: frozenset(words.split()) - _ENGLISH.union(_AMBIGUOUS_WORDS.split())
    for name, words in _WORDS.items()
}
_WORD = regex.compile(r"\p{Latin}[\p{Latin}\p{M}]*(?:'\p{Latin}+)?")
_ACCENTED = regex.compile(r"[\p{Latin}--[A-Za-zàâäçèéêëîïñôöùûü]]", regex.V1)
"""Letters that no loan word brings into English."""

_NO_PROSE = regex.compile(r"\S*[/@._=()<>]\w\S*")
"""Addresses, versions and code."""

_SAMPLE = 2_000
"""Characters that are looked at: a text's first page tells."""

_LEAST = 2
"""One word may be a borrowed one; two are a language."""

_SPARSEST = 7
"""In prose at least one word of so many is a function word; in a list of names fewer are."""


def foreign_language(text: str) -> str | None:
    """Return the English name of the language of ``text``, or None where it may well be English.

    Only languages in Latin letters are known, and among near relatives the name may be the
    neighbour's. Names, loan words and quotations inside English text are no foreign language.
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE]).replace("\u2019", "'")
    written = _WORD.findall(_NO_PROSE.sub(" ", sample))
    words = {word.lower() for word in written}
    counts = {language: len(words & known) for language, known in _LANGUAGES.items()}
    best = max(counts, key=lambda language: counts[language])
    accented = {word for word in written if word[0].islower() and _ACCENTED.search(word)}
    found = counts[best] + min(counts[best], len(accented - _LANGUAGES[best]))
    is_dense = found * _SPARSEST >= min(len(written), _SPARSEST * _SPARSEST)
    if found >= _LEAST and found > 2 * len(words & _ENGLISH) and is_dense:
        return best
    return None
