import { Bytes } from '../../../filters/memory/bytes';
import { formatOf, MediaType, mediaTypeOf, MessageFormat } from '../../../filters/message/format';

function media(text: string): MediaType {
  const bytes = Bytes.from(text);
  return mediaTypeOf(bytes.pointer, bytes.length);
}

function format(route: MessageFormat, type: string, body: string): MessageFormat {
  const bytes = Bytes.from(body);
  return formatOf(route, media(type), bytes.pointer, bytes.length);
}

describe('Media types', () => {
  it('are known by name and suffix, in any case', () => {
    expect<MediaType>(media('application/json')).toBe(MediaType.Json);
    expect<MediaType>(media('Application/Problem+JSON; charset=UTF8')).toBe(MediaType.Json);
    expect<MediaType>(media('text/xml')).toBe(MediaType.Xml);
    expect<MediaType>(media('application/pacs.008+xml')).toBe(MediaType.Xml);
    expect<MediaType>(media('application/x-www-form-urlencoded')).toBe(MediaType.Form);
    expect<MediaType>(media('text/plain')).toBe(MediaType.Text);
    expect<MediaType>(media('application/octet-stream')).toBe(MediaType.Octets);
    expect<MediaType>(media('application/jsonp')).toBe(MediaType.Other);
    expect<MediaType>(media('+json')).toBe(MediaType.Other);
    expect<MediaType>(media('')).toBe(MediaType.Other);
  });

  it('are none with a charset that is not read', () => {
    expect<MediaType>(media('text/xml; charset=UTF-8')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml;charset="utf-8"; x=y')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml; charset=us-ascii')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml; charset=GB18030')).toBe(MediaType.Other);
    expect<MediaType>(media('text/xml; CHARSET="gbk"')).toBe(MediaType.Other);
    expect<MediaType>(media('text/xml; charset=utf-8; charset=gbk')).toBe(MediaType.Other);
    expect<MediaType>(media('text/xml; charset=utf-16')).toBe(MediaType.Other);
    expect<MediaType>(media('application/x-www-form-urlencoded; charset=gbk')).toBe(MediaType.Other);
    expect<MediaType>(media('text/xml; charset=')).toBe(MediaType.Other);
    expect<MediaType>(media('application/json; charset=GBK')).toBe(MediaType.Other);
    expect<MediaType>(media('text/xml; charset = gbk')).toBe(MediaType.Other);
    expect<MediaType>(media("text/xml; charset*=us-ascii''gbk")).toBe(MediaType.Other);
    expect<MediaType>(media('application/octet-stream; charset=gbk')).toBe(MediaType.Octets);
  });

  it('are none where several fields were joined', () => {
    expect<MediaType>(media('application/x-www-form-urlencoded,a/b+json')).toBe(MediaType.Other);
    expect<MediaType>(media('application/json,text/xml')).toBe(MediaType.Other);
    expect<MediaType>(media('application/json;charset=utf-8, application/x-www-form-urlencoded')).toBe(MediaType.Other);
  });
});

describe('Formats', () => {
  it('are the route\'s where the content type says the same', () => {
    expect<MessageFormat>(format(MessageFormat.Xml, 'text/xml', '{}')).toBe(MessageFormat.Xml);
    expect<MessageFormat>(format(MessageFormat.Xml, 'application/json', '<a/>')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Json, 'text/xml', '{}')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Cnaps2, 'text/plain', '{H:')).toBe(MessageFormat.Cnaps2);
    expect<MessageFormat>(format(MessageFormat.Form, 'application/json', 'a=1')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Tlv, 'application/octet-stream', 'x')).toBe(MessageFormat.Tlv);
  });

  it('are detected where content type and first bytes agree', () => {
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '\r\n {"a":1}')).toBe(MessageFormat.Json);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '[')).toBe(MessageFormat.Json);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '{H:')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '1')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '{')).toBe(MessageFormat.Json);
    expect<MessageFormat>(format(MessageFormat.Detect, 'text/xml', '{H:02')).toBe(MessageFormat.Cnaps2);
    expect<MessageFormat>(format(MessageFormat.Detect, 'text/xml', '\n<a/>')).toBe(MessageFormat.Xml);
    expect<MessageFormat>(format(MessageFormat.Detect, 'text/xml', '\ufeff<a/>')).toBe(MessageFormat.Xml);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/json', '\ufeff{}')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/octet-stream', '{H:02')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', '%7B=')).toBe(MessageFormat.Form);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', '<a/>')).toBe(MessageFormat.Unknown);
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', ' a=1')).toBe(MessageFormat.Unknown);
  });
});
