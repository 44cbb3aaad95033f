import { Bytes } from '../../../filters/memory/bytes';
import {
  absentMediaType,
  formatOf,
  MediaType,
  mediaTypeOf,
  mayName,
  MessageFormat,
  namedMediaType,
} from '../../../filters/message/format';

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
    expect<MediaType>(media('text/json')).toBe(MediaType.Json);
    expect<MediaType>(media('x-ISO-TPDU/x-auth')).toBe(MediaType.Iso8583);
    expect<MediaType>(media('application/x-hex')).toBe(MediaType.Hex);
    expect<MediaType>(media('application/octet-stream')).toBe(MediaType.Octets);
    expect<MediaType>(media('application/jsonp')).toBe(MediaType.Other);
    expect<MediaType>(media('+json')).toBe(MediaType.Other);
    expect<MediaType>(media('')).toBe(MediaType.Other);
  });

  it('are none with a charset that is not read', () => {
    expect<MediaType>(media('text/xml; charset=UTF-8')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml;charset="utf-8"; x=y')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml; charset=us-ascii')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml\t;charset=utf-8')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml\t ;\tcharset=utf-8\t')).toBe(MediaType.Xml);
    expect<MediaType>(media('text/xml\t; charset=gbk')).toBe(MediaType.Other);
    expect<MediaType>(media('text/\txml')).toBe(MediaType.Other);
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

const NAMED: StaticArray<Bytes> = [Bytes.from('text/plain'), Bytes.from('x-ISO-TPDU/x-auth'), Bytes.from('none')];

function named(format: MessageFormat, text: string): MediaType {
  const bytes = Bytes.from(text);
  return namedMediaType(NAMED, format, bytes.pointer, bytes.length);
}

describe('Content types that a route names', () => {
  it('are taken instead of those of the format', () => {
    expect<MediaType>(named(MessageFormat.Json, 'text/plain')).toBe(MediaType.Named);
    expect<MediaType>(named(MessageFormat.Json, 'Text/Plain; charset=UTF-8; x=y')).toBe(MediaType.Named);
    expect<MediaType>(named(MessageFormat.Iso8583, 'X-iso-tpdu/X-auth')).toBe(MediaType.Named);
    expect<MediaType>(named(MessageFormat.Json, 'application/json')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Json, 'text/plainer')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Json, 'none')).toBe(MediaType.Named);
  });
  it('do not open what other receivers read otherwise', () => {
    expect<MediaType>(named(MessageFormat.Json, 'text/plain; charset=GBK')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Json, 'text/plain; charset = utf-8')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Xml, 'text/plain;charset=utf-8;charset=gbk')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Json, 'text/plain,text/plain')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Iso8583, 'x-ISO-TPDU/x-auth, application/json')).toBe(MediaType.Other);
    expect<MediaType>(named(MessageFormat.Iso8583, 'x-ISO-TPDU/x-auth; charset=GBK')).toBe(MediaType.Named);
  });
  it('say whether there may be none', () => {
    expect<MediaType>(absentMediaType(NAMED)).toBe(MediaType.Named);
    expect<MediaType>(absentMediaType([Bytes.from('text/plain')])).toBe(MediaType.Other);
    expect<MediaType>(absentMediaType([])).toBe(MediaType.Absent);
    const formats = [MessageFormat.Json, MessageFormat.Xml, MessageFormat.Form, MessageFormat.Detect];
    for (let i = 0; i < formats.length; i++) {
      expect<MessageFormat>(formatOf(formats[i], MediaType.Absent, 0, 0)).toBe(MessageFormat.Unknown);
    }
    const binary = [MessageFormat.Iso8583, MessageFormat.Tlv, MessageFormat.Cnaps2];
    for (let i = 0; i < binary.length; i++) {
      expect<MessageFormat>(formatOf(binary[i], MediaType.Absent, 0, 0)).toBe(binary[i]);
      expect<MessageFormat>(formatOf(formats[i], MediaType.Named, 0, 0)).toBe(formats[i]);
    }
  });
  it('mean no other format', () => {
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('text/plain'))).toBe(true);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('application/vnd.house+json'))).toBe(true);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('application/octet-stream'))).toBe(true);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('none'))).toBe(true);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('text/xml'))).toBe(false);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('application/x-www-form-urlencoded'))).toBe(false);
    expect<bool>(mayName(MessageFormat.Json, Bytes.from('Multipart/form-data'))).toBe(false);
    expect<bool>(mayName(MessageFormat.Iso8583, Bytes.from('text/json'))).toBe(false);
    expect<bool>(mayName(MessageFormat.Cnaps2, Bytes.from('text/xml'))).toBe(true);
    expect<bool>(mayName(MessageFormat.Detect, Bytes.from('text/plain'))).toBe(false);
  });
});

describe('Formats', () => {
  it("are the route's where the content type says the same", () => {
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
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/octet-stream', '{H:02')).toBe(
      MessageFormat.Unknown,
    );
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', '%7B=')).toBe(
      MessageFormat.Form,
    );
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', '<a/>')).toBe(
      MessageFormat.Unknown,
    );
    expect<MessageFormat>(format(MessageFormat.Detect, 'application/x-www-form-urlencoded', ' a=1')).toBe(
      MessageFormat.Unknown,
    );
  });
});
