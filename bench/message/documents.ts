// Messages of the sizes that the speed is stated for.

/** Sizes of the documents, bytes, at least. */
export const SIZES = [1024, 16 * 1024, 1024 * 1024];

/** One item of a redemption message. */
function item(i: number, chinese: boolean): object {
  return {
    transCode: `01${String(100000 + (i % 899999))}`,
    account: `62${String(1e14 + i * 7919).slice(0, 14)}`,
    name: chinese ? '张三丰有限责任公司' : `customer ${(i * 7919) % 1000}`,
    amount: (i * 137) / 100,
    currency: 'CNY',
    confirmed: i % 3 === 0,
    remark: chinese ? '赎回申请，资金划入银行账户' : 'redemption of fund shares to the account on file',
    tags: ['fund', 'redeem'],
    extra: null,
  };
}

/** A message of at least `bytes` bytes, as JSON; `pretty`: indented by two spaces. */
export function message(bytes: number, chinese: boolean, pretty: boolean): string {
  const items: object[] = [];
  let text = '';
  for (;;) {
    const room = Math.max(1, Math.ceil(((bytes - Buffer.byteLength(text)) / 300) * 0.9));
    for (let i = 0; i < room; i++) items.push(item(items.length, chinese));
    text = JSON.stringify({ transCode: '01000001', batch: 'B20240801', items }, null, pretty ? 2 : undefined);
    if (Buffer.byteLength(text) >= bytes) return text;
  }
}
