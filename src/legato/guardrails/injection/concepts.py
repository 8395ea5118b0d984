"""What words an attack is made of stand for, in several languages: read by their first letters.

A concept is what a word does in an attack (it overrides, names instructions, asks to reveal), so
`ignore your rules` and `vergiss deine Anweisungen` look alike to the classifier.
"""

from functools import lru_cache
from typing import Final

_STEMS: Final[dict[str, str]] = {
    "override": """
        ignor disregard forget forgot neglect overrid overwrit bypass circumvent
        dismiss discard supersed subvert cancel violat abandon unlearn revoke nullif
        void stop skip omit drop erase delet vergiss vergess ignorier missacht umgeh
        olvid ignore descart salta oubli ignorez neglig contourn dimentic trascur
        aggir esquec desconsider забудь игнорир отмени zapomn негл forgett glem 忽略 无视
        忘记 忘掉 無視 무시 تجاهل उपेक्षा unut yoksay
    """,
    "instruction": """
        instruct instuct directiv command guideline rule order prompt promt propmt
        direction polic protocol constrain restrict limitation guardrail regulation
        programming training anweisung befehl regel vorgab auftrag aufträg instrucc
        orden regla norma consigne règle directive istruzion regol ordini comand
        instruç regra инструкц правил указан команд polecen instrukc instruks 指令 指示 规则
        提示 命令 명령 지시 تعليمات निर्देश talimat
    """,
    "before": """
        previous prior preceding above earlier before former foregoing initial
        original old past preced vorherig vorig bisherig obig früher anterior previ
        précéd avant antérieur preceden sopra предыдущ прежн выше poprzedn 之前 以上 上面 先前
        이전 السابقة पिछले önceki all everything any every todo alle tout tutt
    """,
    "reveal": """
        reveal disclos show display print output repeat leak expose divulg tell share
        give dump echo recite quote provide spit reproduc translat summar spell encod
        list describ return zeig verrat wiederhol ausgab muestra muéstr revel repit
        imprim montre affich répèt mostr ripet stampa repet покажи раскро повтори
        выведи pokaż 显示 透露 输出 重复 告诉 보여 اكشف दिखा göster
    """,
    "secret": """
        secret password passwd passwort contraseña hidden confidential private
        internal credential token apikey key mot geheim clave parola senha passphrase
        codeword flag пароль секрет hasło 密码 秘密 비밀 كلمة पासवर्ड şifre
    """,
    "promptword": """
        system systemprompt initial context preprompt metaprompt configuration config
        initializ parameter settings backend developer admin administrator root sudo
        operator système sistema системн 系统 시스템 النظام सिस्टम sistem
    """,
    "you": """
        you your yours yourself u ur du dein deine deinen deiner dir dich ihr ihre sie
        tu tus te ti usted vous votre vos toi ton ta tes tuo tua tuoi você seu sua
        твои твой ты вы ваши 你 您 너 أنت आप sen
    """,
    "me": """
        me my i mine mir mich mein ich mi yo moi je mon io мне мой 我 나
    """,
    "persona": """
        pretend imagin roleplay persona act simulat impersonat dan jailbreak
        jailbroken unrestrict unfilter uncensor unlock evil amoral unethical immoral
        rogue freed liberat unbound unshackl character hypothetical fictional alter
        ego stan dude aim devmode stell fungier spiel finge actúa imagine prétend
        fingi притвор представь 假装 扮演 想象 越狱 가정 تظاهر rolepla
    """,
    "assistant": """
        ai assistant chatbot bot llm model gpt chatgpt claude gemini llama bard
        copilot agent openai anthropic language ki assistent modelo modèle asistente
        ассистент модель 助手 模型 인공지능
    """,
    "safety": """
        safety filter moderat ethic moral censor guardrail safeguard security content
        protect refus restrict limit compliance guidelin alignment sicherheit
        seguridad sécurité sicurezza безопасн 安全 过滤 道德
    """,
    "now": """
        now henceforth instead onwards new updated jetzt nun neue neuen ahora nuevo
        nueva maintenant nouvelle désormais adesso nuova agora теперь новые 现在 新的 从现在
        이제 الآن अब
    """,
    "only": """
        only exactly verbatim nothing literally word simply just nur genau wörtlich
        solo seulement soltanto apenas только дословно 只 仅
    """,
    "answer": """
        answer respons reply respond output message text sentence antwort respuesta
        réponse risposta resposta ответ 回答 回复
    """,
    "send": """
        send forward email upload post transmit exfiltrat submit transfer deliver
        fetch curl wget leak request visit click navigat open download senden schick
        envía envoy invia enviar отправ 发送
    """,
    "run": """
        run execute exec eval import system popen subprocess spawn shell bash script
        invoke call whoami command cmd os sudo rm powershell child_process ausführ
        ejecut exécut esegu выполни 执行
    """,
    "authority": """
        administrator developer creator ceo authorized authoris permission approved
        official emergency urgent critical immediately important override debug
        maintenance test audit researcher owner engineer supervisor
    """,
    "dangerous": """
        bomb weapon explosive malware virus ransomware phish hack exploit drug meth
        poison kill steal suicide illegal crime criminal harmful malicious dangerous
        racist hate violent
    """,
    "encode": """
        anagram rot13 base64 scramble jumble cipher morse reversed backwards substitut
        homophon misspell typos symbols vowels leetspeak binary hex emoji pig latin
        acronym capitalize
    """,
    "cipherobject": """
        letter letters vowel vowels word words character characters punctuation period
        spaces sentence alphabet
    """,
    "ask": """
        what how why who when where which can could would will please explain write
        describe compose draft create generate summarize translate list give help tell
        suggest recommend calculate develop provide show define compare bitte schreib
        erkläre escribe explica écris explique scrivi
    """,
    "insert": """
        add include insert append mention embed integrat augment incorporat modify
        promote advertis endorse recommend enhance introduce render begin start end
        finish
    """,
    "meta": """
        conversation chat session context limitations design purpose restrictions
        capabilities inability refusal refusing
    """,
    "hide": """
        silently secretly quietly inform notify confirm mention user operator warn
        tell disclose without never
    """,
}
_SHORTEST_STEM: Final = 5
_LONGEST_STEM: Final = 12


def _table() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for concept, stems in _STEMS.items():
        for stem in stems.split():
            table[stem] = (*table.get(stem, ()), f"={concept}")
    return table


_TABLE: Final = _table()


@lru_cache(maxsize=8192)
def concepts(word: str) -> tuple[str, ...]:
    """Return what a word, in small letters, may do in an attack; mostly nothing."""
    exact = _TABLE.get(word)
    if exact is not None:
        return exact
    for length in range(min(len(word), _LONGEST_STEM), _SHORTEST_STEM - 1, -1):
        found = _TABLE.get(word[:length])
        if found is not None:
            return found
    return ()
