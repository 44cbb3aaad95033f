import { Bytes } from '../../../filters/memory/bytes';
import { Find, bitOf } from '../../../filters/field-masker/detect/find';
import { Scanner } from '../../../filters/field-masker/detect/scanner';

const scanner = new Scanner();
const ALL: u32 = 0xfffe & ~bitOf(Find.UnionPayCard);
const NAMES = [
  '?',
  'Id',
  'Card',
  'Phone',
  'Name',
  'Email',
  'Address',
  'UnionPay',
  'Fixed',
  'Passport',
  'HkMacao',
  'Taiwan',
  'Uscc',
  'Plate',
  'Ip',
  'Key',
];

/** All findings, as `Kind:text` joined by ` | `. */
function finds(text: string, set: u32 = ALL): string {
  const bytes = Bytes.from(text);
  scanner.begin(bytes.pointer, bytes.pointer + bytes.length, set);
  let result = '';
  let last: usize = 0;
  while (scanner.next()) {
    assert(scanner.start >= last && scanner.end > scanner.start);
    last = scanner.end;
    if (result.length > 0) result += ' | ';
    result += NAMES[scanner.kind] + ':' + String.UTF8.decodeUnsafe(scanner.start, scanner.end - scanner.start);
  }
  return result;
}

/** Each text is found whole, alone and amid what may stand around it. */
function whole(kind: string, texts: string[]): void {
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    expect<string>(finds(text)).toBe(kind + ':' + text, text);
    expect<string>(finds('{"remark":"' + text + '","n":1}')).toBe(kind + ':' + text, 'in JSON: ' + text);
    expect<string>(finds('客户提供的是' + text + '，请核对。后面还有很多文字。')).toBe(
      kind + ':' + text,
      'in prose: ' + text,
    );
    expect<string>(finds('a=1&b=' + text + '&c=2')).toBe(kind + ':' + text, 'in a form: ' + text);
    expect<string>(finds('<a>' + text + '</a>')).toBe(kind + ':' + text, 'in XML: ' + text);
  }
}

function nothing(texts: string[]): void {
  for (let i = 0; i < texts.length; i++) {
    expect<string>(finds(texts[i])).toBe('', texts[i]);
    expect<string>(finds('{"a":"' + texts[i] + '"}')).toBe('', 'in JSON: ' + texts[i]);
  }
}

describe('Scanner on resident identity numbers', () => {
  it('finds 18 and 15 digits', () => {
    whole('Id', [
      '11010519491231002X',
      '11010519491231002x',
      '440524188001010014',
      '110105491231002',
      '４４０５２４１８８００１０１００１４',
    ]);
  });
  it('finds them in groups', () => {
    whole('Id', [
      '110105 19491231 002X',
      '110105-19491231-002X',
      '110105\u00a019491231\u00a0002X',
      '110105 1949 1231 002X',
      '440524 18800101 0014',
    ]);
  });
  it('refuses other regions, dates and checks', () => {
    nothing([
      '110105194912310021',
      '11010519491331002X',
      '101053194912310020',
      '110105491331002',
      '990105491231002',
      '110199 49',
      '110105491231000',
    ]);
  });
});

describe('Scanner on bank cards', () => {
  it('finds the numbers of issuers', () => {
    whole('Card', [
      '4222222222222',
      '378282246310005',
      '30569309025904',
      '4111111111111111',
      '5555555555554444',
      '6222021234567894',
      '6200000000000000000',
      '9558801234567897',
      '2223003122003222',
      '3530111333300000',
      '6011000990139424',
    ]);
  });
  it('finds them as they are printed', () => {
    whole('Card', [
      '6222 0212 3456 7894',
      '6222-0212-3456-7894',
      '6222  0212  3456  7894',
      '6222\u00a00212\u00a03456\u00a07894',
      '6222\u30000212\u30003456\u30007894',
      '6222.0212.3456.7894',
      '6222–0212–3456–7894',
      '6222 - 0212 - 3456 - 7894',
      '6222－0212－3456－7894',
      '3782-822463-10005',
      '3782 822463 10005',
      '3056 930902 5904',
      '621785 7600008050804',
      '６２２２０２１２３４５６７８９４',
      '６２２２ ０２１２ ３４５６ ７８９４',
      '6217 8576 0000 8050 804',
    ]);
  });
  it('finds them over a line break', () => {
    expect<string>(finds('card 6222 0212\n  3456 7894.')).toBe('Card:6222 0212\n  3456 7894');
    expect<string>(finds('card 62220212\r\n34567894.')).toBe('Card:62220212\r\n34567894');
    expect<string>(finds('{"a":"6222 0212\\n3456 7894"}')).toBe('Card:6222 0212\\n3456 7894');
    expect<string>(finds('6222\n0212\n3456\n7894')).toBe('');
  });
  it('finds them behind escapes', () => {
    const texts = [
      '\\u0036222021234567894',
      '6222\\u0030212345678\\u00394',
      '\\\\u0036222021234567894',
      '%362220212%334567894',
      '622202%312345678%394',
      '&#54;22202&#x31;234567894',
      '6222%200212%203456%207894',
      '6222+0212+3456+7894',
      '6222&nbsp;0212&nbsp;3456&nbsp;7894',
      '6222\\u00a00212\\u00a03456\\u00a07894',
      '%EF%BC%96222021234567894',
      '6222%C2%A00212%C2%A03456%C2%A07894',
      '%25362220212%25334567894',
      '&amp;#54;222021234567894',
    ];
    for (let i = 0; i < texts.length; i++) {
      expect<string>(finds('x: ' + texts[i] + ' ')).toBe('Card:' + texts[i], texts[i]);
      expect<string>(finds(texts[i])).toBe('Card:' + texts[i], texts[i]);
    }
    expect<string>(finds('a%3D6222021234567894%26b')).toBe('Card:6222021234567894');
    expect<string>(finds('a%206222021234567894%26b')).toBe('Card:6222021234567894');
    expect<string>(finds('{\\"a\\":\\"6222021234567894\\"}')).toBe('Card:6222021234567894');
  });
  it('takes nothing that belongs to a longer number or word', () => {
    nothing([
      '62220212345678941234',
      '162220212345678940000',
      'a6222021234567894',
      '6222021234567894a',
      '_6222021234567894',
      '0.6222021234567894',
      '6222021234567894.25',
      '0٫6222021234567894',
      '6222021234567894٫25',
      '0．6222021234567894',
      '6222021234567894．25',
      '1234-6222-0212-3456-7894-1000',
      '6222-0212-3456-7894-1000-1',
      '6222.0212.3456.7894.1000.1',
      '4111111.111111111',
      '5555 555555 54444',
      '4 111 111 111 111 111',
      '6222/0212/3456/7894',
      '12345678-6222-0212-3456-789412345678',
      'b5e0f4a2-6222-0212-3456-7894aaaaaaaa',
      '2026-11-30 09:30:15 123456',
      '20261130093015123',
      '1763812296004',
      '0,4111111111111111',
      '4111111111111111,25',
      '7222021234567891',
      '0.62220212345678946222',
      '1.6222021234567894e15',
      '-.4111111111111111',
    ]);
  });
  it('leaves lists alone', () => {
    expect<string>(finds('[1,4111111111111111,2]')).toBe('Card:4111111111111111');
    expect<string>(finds('张三,4111111111111111,2')).toBe('Card:4111111111111111');
    expect<string>(finds('no 1234 6222 0212 3456 7894 1000')).toBe('Card:6222 0212 3456 7894');
    expect<string>(finds('user-1-6222021234567894')).toBe('Card:6222021234567894');
  });
  it("finds UnionPay's numbers without a check digit if asked for", () => {
    expect<string>(finds('6222021234567890')).toBe('');
    expect<string>(finds('6222021234567890', bitOf(Find.UnionPayCard))).toBe('UnionPay:6222021234567890');
    expect<string>(finds('6222 0212 3456 7890', bitOf(Find.UnionPayCard))).toBe('UnionPay:6222 0212 3456 7890');
  });
});

describe('Scanner on telephones', () => {
  it('finds mobile numbers', () => {
    whole('Phone', [
      '13800138000',
      '19912345678',
      '138 0013 8000',
      '138-0013-8000',
      '1380 0138 000',
      '138\u00a00013\u00a08000',
      '１３８００１３８０００',
    ]);
    expect<string>(finds('+8613800138000')).toBe('Phone:13800138000');
    expect<string>(finds('+86 138 0013 8000')).toBe('Phone:138 0013 8000');
    expect<string>(finds('(86)13800138000')).toBe('Phone:13800138000');
    expect<string>(finds('008613800138000')).toBe('Phone:13800138000');
    expect<string>(finds('86-138-0013-8000')).toBe('Phone:138-0013-8000');
    expect<string>(finds('手机13800138000或13900139000')).toBe('Phone:13800138000 | Phone:13900139000');
    expect<string>(finds('tel%3A%2B8613800138000')).toBe('Phone:13800138000');
  });
  it('finds fixed numbers', () => {
    whole('Fixed', [
      '010-62345678',
      '0571-88888888',
      '021 6234 5678',
      '0755-2345678',
      '010-62345678-801',
      '(010)62345678'.substr(1),
    ]);
    expect<string>(finds('+86 10 6234 5678')).toBe('Fixed:86 10 6234 5678');
    expect<string>(finds('{"telephone":"01062345678"}')).toBe('Fixed:01062345678');
    expect<string>(finds('电话：62345678')).toBe('Fixed:62345678');
  });
  it('takes no other numbers for telephones', () => {
    nothing([
      '12800138000',
      '138001380001',
      '1380013800',
      '0.13800138000',
      '13800138000.5',
      'a13800138000',
      '138-0013-8000-1',
      '01062345678',
      '000-62345678',
      '2026-11-30',
    ]);
  });
});

describe('Scanner on the internet', () => {
  it('finds e-mail addresses', () => {
    whole('Email', ['zhang@example.com', 'zhang.san+1@mail.example.com.cn', '13800138000@139.com', 'a_b-c@x-y.cn']);
    expect<string>(finds('zhang%40example.com')).toBe('Email:zhang%40example.com');
    expect<string>(finds('x\\u0040example.com')).toBe('Email:x\\u0040example.com');
    expect<string>(finds('to zhang@example.com.')).toBe('Email:zhang@example.com');
    expect<string>(finds('张三@例子.中国')).toBe('');
    nothing(['@types/node', 'npm@1.2.3', 'icon@2x.png', 'a@b', '@example.com']);
  });
  it('finds addresses of machines', () => {
    whole('Ip', [
      '192.168.10.1',
      '8.8.8.8',
      '223.5.5.5',
      '2001:db8::ff00:42:8329',
      'fe80::1ff:fe23:4567:890a',
      '2001:0db8:0000:0000:0000:ff00:0042:8329',
    ]);
    expect<string>(finds('10.1.2.3:8080')).toBe('Ip:10.1.2.3');
    // A part in escapes among plain ones, wherever it stands in its block.
    whole('Ip', ['10.1.2.&#51;', '10.1\\u002e2.3', '10.192.168.%31']);
    expect<string>(finds('x, an address of a machine stands here: 10.1\\u002e2.3')).toBe('Ip:10.1\\u002e2.3');
    expect<string>(finds('http://10.1.2.3/x')).toBe('Ip:10.1.2.3');
    nothing([
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      '127.0.0.1',
      '0.0.0.0',
      '255.255.255.255',
      'Chrome/120.0.0.0',
      'v1.2.3.4',
      '12:34:56',
      'aa:bb:cc:dd:ee:ff',
      'a::b',
      'std::map',
      '01.02.03.04',
      '::1',
    ]);
  });
});

describe('Scanner on documents', () => {
  it('finds passports and permits next to a label', () => {
    expect<string>(finds('{"passportNo":"E12345678"}')).toBe('Passport:E12345678');
    expect<string>(finds('护照号码：EA1234567，')).toBe('Passport:EA1234567');
    expect<string>(finds('护照E12345678')).toBe('Passport:E12345678');
    expect<string>(finds('<passport_no>G12345678</passport_no>')).toBe('Passport:G12345678');
    expect<string>(finds('{"certNo":"H12345678"}')).toBe('HkMacao:H12345678');
    expect<string>(finds('港澳通行证:C12345678')).toBe('HkMacao:C12345678');
    expect<string>(finds('台胞证：12345678')).toBe('Taiwan:12345678');
    expect<string>(finds('台胞证：0123456701B')).toBe('Taiwan:0123456701B');
    expect<string>(finds('{"orderNo":"E12345678","n":"12345678"}')).toBe('');
    expect<string>(finds('A123456(3)')).toBe('HkMacao:A123456(3)');
    expect<string>(finds('A123456(4)')).toBe('');
  });
  it('finds social credit codes', () => {
    whole('Uscc', ['91110000600037341L', '914403001922038216', '91440300708461136T']);
    nothing(['91110000600037341K', '91110000600037341LA', 'A91110000600037341L']);
  });
  it('finds licence plates', () => {
    whole('Plate', [
      '京A12345',
      '粤B·12345',
      '沪AD12345',
      '京A12345D',
      '粤Z1234港',
      '鲁B 12345',
      '京A123警'.substr(0, 3) + '12学'.substr(0, 0) + '3456',
    ]);
    expect<string>(finds('\\u4eacA12345')).toBe('Plate:\\u4eacA12345');
    expect<string>(finds('%E4%BA%ACA12345')).toBe('Plate:%E4%BA%ACA12345');
    nothing(['京A1234', '京A1234567', '中A12345', '京ABCDEF', '京I12345']);
  });
});

describe('Scanner on names and addresses', () => {
  it('finds names next to a label', () => {
    expect<string>(finds('{"custName":"张三"}')).toBe('Name:张三');
    expect<string>(finds('姓名：张三丰，')).toBe('Name:张三丰');
    expect<string>(finds('{"\\u59d3\\u540d":"\\u5f20\\u4e09"}')).toBe('Name:\\u5f20\\u4e09');
    expect<string>(finds('<custName>买买提·艾力</custName>')).toBe('Name:买买提·艾力');
    expect<string>(finds('{\\"real_name\\":\\"Zhang San\\"}')).toBe('Name:Zhang San');
    expect<string>(finds('realName=%E5%BC%A0%E4%B8%89&x')).toBe('Name:%E5%BC%A0%E4%B8%89');
    nothing(['姓名：', '收款人：北京某某科技有限公司', 'name: server', 'fileName: 报表', '张三']);
  });
  it('finds addresses next to a label', () => {
    expect<string>(finds('地址：北京市朝阳区建国路88号，电话：1')).toBe('Address:北京市朝阳区建国路88号');
    expect<string>(finds('{"address":"88 Jianguo Road, Beijing"}')).toBe('Address:88 Jianguo Road, Beijing');
    nothing(['地址：无', '{\\"address\\":\\"none\\"}']);
  });
});

describe('Scanner on key material', () => {
  it('finds tokens and keys', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';
    whole('Key', [jwt, '-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQ\\n-----END PRIVATE KEY-----']);
    expect<string>(finds('{"accessToken":"a1b2c3d4e5f6g7h8"}')).toBe('Key:a1b2c3d4e5f6g7h8');
    nothing(['-----BEGIN CERTIFICATE-----', 'eyJhbGciOiJIUzI1NiJ9', 'eyJhbGciOiJIUzI1NiJ9.abc.def']);
  });
});

describe('Scanner on everything else', () => {
  it('finds nothing in what looks like a number', () => {
    nothing([
      '550e8400-e29b-41d4-a716-446655440000',
      '12345678-1234-1234-1234-123456789012',
      'd41d8cd98f00b204e9800998ecf8427e',
      '2026-11-30T09:30:15.123456789+08:00',
      '1732930215123456',
      '3.141592653589793',
      '1.7976931348623157e308',
      '0.1234567890123456',
      'MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=',
      '12:34:56.789',
      '100,000,000.00',
      '20261130093015000123',
    ]);
  });
});
