"""What Windows says of errors 126 and 127 in its languages, as ``FormatMessage`` words them.

Python puts these sentences after ``DLL load failed``. Other errors are known by their numbers, or
by words that all languages share (``DLL``, ``Win32``). Where a language is not here, the error is
126 or 127, and it is not known which.
"""

from __future__ import annotations

MODULE = {
    "English": "The specified module could not be found",
    "German": "Das angegebene Modul wurde nicht gefunden",
    "French": "Le module spécifié est introuvable",
    "Spanish": "No se puede encontrar el módulo especificado",
    "Portuguese (Brazil)": "Não foi possível encontrar o módulo especificado",
    "Portuguese": "Não foi possível localizar o módulo especificado",
    "Italian": "Impossibile trovare il modulo specificato",
    "Russian": "Не найден указанный модуль",
    "Ukrainian": "Не знайдено вказаний модуль",
    "Chinese (simplified)": "找不到指定的模块",
    "Chinese (traditional)": "找不到指定的模組",
    "Japanese": "指定されたモジュールが見つかりません",
    "Korean": "지정된 모듈을 찾을 수 없습니다",
    "Polish": "Nie można odnaleźć określonego modułu",
    "Turkish": "Belirtilen modül bulunamadı",
    "Czech": "Uvedený modul nebyl nalezen",
    "Dutch": "Kan opgegeven module niet vinden",
    "Hungarian": "A megadott modul nem található",
    "Swedish": "Det går inte att hitta den angivna modulen",
    "Danish": "Det angivne modul blev ikke fundet",
}
"""Error 126, ``ERROR_MOD_NOT_FOUND``."""
PROCEDURE = {
    "English": "The specified procedure could not be found",
    "German": "Die angegebene Prozedur wurde nicht gefunden",
    "French": "La procédure spécifiée est introuvable",
    "Spanish": "No se encontró el proceso especificado",
    "Spanish (older)": "No se puede encontrar el procedimiento especificado",
    "Portuguese (Brazil)": "Não foi possível encontrar o procedimento especificado",
    "Portuguese": "Não foi possível localizar o procedimento especificado",
    "Italian": "Impossibile trovare la procedura specificata",
    "Russian": "Не найдена указанная процедура",
    "Ukrainian": "Не знайдено вказану процедуру",
    "Chinese": "找不到指定的程序",
    "Chinese, translated back": "The specified program could not be found",
    "Japanese": "指定されたプロシージャが見つかりません",
    "Korean": "지정된 프로시저를 찾을 수 없습니다",
    "Polish": "Nie można odnaleźć określonej procedury",
    "Turkish": "Belirtilen yordam bulunamadı",
    "Czech": "Uvedená procedura nebyla nalezena",
    "Dutch": "Kan opgegeven procedure niet vinden",
    "Hungarian": "A megadott eljárás nem található",
    "Swedish": "Det går inte att hitta den angivna proceduren",
    "Danish": "Den angivne procedure blev ikke fundet",
}
"""Error 127, ``ERROR_PROC_NOT_FOUND``."""


def any_of(sentences: dict[str, str]) -> str:
    """A pattern that matches any of the sentences; none of them has a special character."""
    return f"(?:{'|'.join(sentences.values())})"
