# Reads lines "CHECK TEXT" and answers 1 or 0 for each: what python-stdnum says of the text as it stands (it would take blanks and small letters out first).
import sys
from stdnum import iban, lei, luhn, bic
from stdnum.cn import ric, uscc



def resident(text):
    try:
        return ric.is_valid(text)
    except KeyError:  # a county that its table has half of
        return False


CHECKS = {
    'Luhn': lambda text: 13 <= len(text) <= 19 and luhn.is_valid(text),
    'Gb11643': resident,
    'Uscc': uscc.is_valid,
    'Iban': lambda text: iban.is_valid(text, check_country=False),
    'Lei': lei.is_valid,
    'Bic': bic.is_valid,
}

for line in sys.stdin:
    check, _, text = line.rstrip('\n').partition(' ')
    print('1' if CHECKS[check](text) else '0')
