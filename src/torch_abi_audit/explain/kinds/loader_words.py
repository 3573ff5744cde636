"""What linkers and the loader of glibc say in other languages than English.

They print these words where the system's messages are translated (``LANG``); the names of symbols
and libraries around them are the same in all languages.
"""

from __future__ import annotations

LIBRARY = {
    "German": "Kann die Shared-Object-Datei nicht öffnen",
    "French": "Ne peut ouvrir le fichier d'objet partagé",
    "French (older)": "Ne peut ouvrir le fichier objet partagé",
    "Spanish": "no se puede abrir el archivo del objeto compartido",
    "Spanish (older)": "no se puede abrir el fichero del objeto compartido",
    "Italian": "impossibile aprire il file oggetto condiviso",
    "Portuguese (Brazil)": "não foi possível abrir arquivo de objeto compartilhado",
    "Russian": "не могу открыть разделяемый объектный файл",
    "Russian (newer)": "невозможно открыть разделяемый объектный файл",
    "Chinese (simplified)": "无法打开共享目标文件",
    "Chinese (simplified, newer)": "无法打开共享对象文件",
    "Japanese": "共有オブジェクトファイルを開けません",
    "Korean": "공유 목적 파일을 열 수 없습니다",
    "Polish": "nie można otworzyć pliku obiektu dzielonego",
}
"""A library that was not found, by the translations of glibc."""
REFERENCE_BEFORE = {
    "German": "nicht definierter Verweis auf",
    "German (older)": "undefinierter Verweis auf",
    "French": "référence indéfinie vers",
    "Italian": "riferimento non definito a",
    "Portuguese (Brazil)": "referência indefinida para",
    "Russian": "неопределённая ссылка на",
}
"""An undefined reference, by the translations of binutils; the name follows in quotes."""
REFERENCE_AFTER = {
    "Chinese (simplified)": "未定义的引用",
    "Japanese": "に対する定義されていない参照です",
    "Korean": "에 대한 정의되지 않은 참조",
    "Spanish": "sin definir",
}
"""The same where the name stands before the words."""
EXTERNAL = {
    "German": "nicht aufgelöstes externes Symbol",
    "French": "symbole externe non résolu",
    "Spanish": "símbolo externo",
    "Italian": "simbolo esterno",
    "Portuguese (Brazil)": "símbolo externo não resolvido",
    "Russian": "неразрешенный внешний символ",
    "Chinese (simplified)": "无法解析的外部符号",
    "Chinese (traditional)": "無法解析的外部符號",
    "Japanese": "未解決の外部シンボル",
    "Korean": "확인할 수 없는 외부 기호",
}
"""An unresolved external symbol, in the words of MSVC's linker (LNK2001, LNK2019)."""


def any_of(sentences: dict[str, str]) -> str:
    """A pattern that matches any of the sentences; none of them has a special character."""
    return f"(?:{'|'.join(dict.fromkeys(sentences.values()))})"
