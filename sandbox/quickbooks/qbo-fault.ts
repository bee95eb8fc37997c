export interface FaultDetail {
  Message: string;
  Detail: string;
  code: string;
  element: string;
}

export type FaultType = 'ValidationFault' | 'SystemFault' | 'Service';

/** A refusal in the platform's own words: `Fault.Error[]`, mostly HTTP 400. */
export class QboFault extends Error {
  readonly status: number;
  readonly type: FaultType;
  readonly errors: readonly FaultDetail[];

  constructor(error: FaultDetail, status = 400, type: FaultType = 'ValidationFault') {
    super(`${error.code} ${error.Detail}`);
    this.status = status;
    this.type = type;
    this.errors = [error];
  }

  get code(): string {
    return this.errors[0]?.code ?? '';
  }

  get body(): { Error: readonly FaultDetail[]; type: FaultType } {
    return { Error: this.errors, type: this.type };
  }
}

const fault = (code: string, message: string, detail: string, element = ''): QboFault =>
  new QboFault({ Message: message, Detail: detail, code, element });

export const missingParameter = (name: string): QboFault =>
  fault(
    '2020',
    'Required param missing, need to supply the required value for the API',
    `Required parameter ${name} is missing in the request`,
    name,
  );

export const unknownProperty = (name: string): QboFault =>
  fault(
    '2010',
    'Request has invalid or unsupported property',
    `Property Name:${name} specified is unsupported or invalid`,
    name,
  );

export const wrongLength = (element: string, max: number, length: number): QboFault =>
  fault(
    '2050',
    'String length is either shorter or longer than supported by specification',
    `String length specified does not match the supported length. Min:0 Max:${max} supported. Supplied length:${length}`,
    element,
  );

export const invalidCharacters = (element: string): QboFault =>
  fault(
    '2040',
    'Invalid or unsupported string',
    `Invalid String. ${element} must not contain a colon, a tab or a new line`,
    element,
  );

export const invalidNumber = (element: string, given: unknown): QboFault =>
  fault('2090', 'Invalid Number', `Invalid Number : ${describe(given)}`, element);

export const invalidValue = (element: string, given: unknown, wanted: string): QboFault =>
  fault(
    '2010',
    'Request has invalid or unsupported property',
    `Property Name:${element} must be ${wanted}. Supplied value:${describe(given)}`,
    element,
  );

export const invalidDate = (element: string, given: unknown): QboFault =>
  fault('2080', 'Invalid Date', `Invalid Date : ${describe(given)}`, element);

export const invalidEnumeration = (element: string, given: unknown): QboFault =>
  fault('2170', 'Invalid Enumeration', `Invalid Enumeration : ${describe(given)}`, element);

export const invalidEmail = (element: string): QboFault =>
  fault(
    '2210',
    'Invalid Email Address format',
    'Email Address supplied does not conform to the RFC 822 standard.',
    element,
  );

export const invalidReference = (element: string, kind: string, id: string): QboFault =>
  fault('2500', 'Invalid Reference Id', `Invalid Reference Id : ${kind} element id ${id} not found`, element);

/** The platform says the same for what was never there and for what was made inactive. */
export const objectNotFound = (element = ''): QboFault =>
  fault(
    '610',
    'Object Not Found',
    "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.",
    element,
  );

export const cannotLink = (transactionId: string): QboFault =>
  fault(
    '620',
    'Transaction ID cannot be linked',
    `Transaction ID ${transactionId} cannot be linked`,
    'TxnId',
  );

export const staleObject = (editor: string, type: string): QboFault =>
  fault(
    '5010',
    'Stale Object Error',
    `Stale Object Error : You and ${editor} were working on this at the same time. ${editor} finished before you did, so your work was not saved. Entity=${type}`,
  );

export const business = (detail: string, element = ''): QboFault =>
  fault(
    '6000',
    'A business validation error has occurred while processing your request',
    `Business Validation Error: ${detail}`,
    element,
  );

export const duplicateName = (owner: string): QboFault =>
  fault(
    '6240',
    'Duplicate Name Exists Error',
    `The name supplied already exists. : Another ${owner} is already using this name. Please use a different name.`,
  );

export const duplicateDocNumber = (docNumber: string, type: string, id: string): QboFault =>
  fault(
    '6140',
    'Duplicate Document Number Error',
    `Duplicate Document Number Error : You must specify a different number. This number has already been used. DocNumber=${docNumber} is assigned to TxnType=${spaced(type)} with TxnId=${id}`,
  );

export const wrongAmount = (given: string): QboFault =>
  fault(
    '6070',
    'Amount calculation incorrect in the request',
    `Amount is not equal to UnitPrice * Qty. Supplied value:${given}`,
    'Line.Amount',
  );

export const noName = (): QboFault =>
  fault(
    '6080',
    'No Name Provided',
    'Title, GivenName, MiddleName, FamilyName, DisplayName, Suffix - one of these must be non-empty',
  );

export const noAccountType = (): QboFault =>
  fault(
    '6010',
    'Invalid Account.AccountType && Account.SubType',
    'Either an Account.AccountType or an Account.AccountSubType must be specified',
  );

export const noDiscount = (): QboFault =>
  fault('6090', 'Discount Line missing required info.', 'Discount amount or percent should be provided.');

export const wrongLineTaxCode = (given: string): QboFault =>
  fault(
    '6100',
    'Invalid Line TaxCode in the request',
    `Valid Line TaxCodes for US should be TAX or NON. Supplied value:${given}`,
    'TaxCodeRef',
  );

export const beforeInventoryStart = (item: string): QboFault =>
  fault(
    '6270',
    'Transaction date is prior to start date for inventory item',
    `Transaction date is prior to start date for inventory item : ${item}`,
    'TxnDate',
  );

export const alreadyDeposited = (): QboFault =>
  fault(
    '6540',
    'Deposited Transaction cannot be changed',
    'This transaction has been deposited. If you want to change or delete it, you must edit the deposit it appears on and remove it first.',
  );

export const unsupportedOperation = (operation: string): QboFault =>
  fault('500', 'Unsupported Operation', `Operation ${operation} is not supported.`);

export const batchTooLarge = (size: number): QboFault =>
  fault(
    '1040',
    'Batch size exceeds allowed limit',
    `Batch size ${size} is larger than the allowed limit of 30`,
  );

export const queryParse = (detail: string): QboFault =>
  fault('4000', 'Error parsing query', `QueryParserError: ${detail}`);

export const queryInvalid = (detail: string): QboFault =>
  fault('4001', 'Invalid query', `QueryValidationError: ${detail}`);

export const invalidCompanyStatus = (status: number): QboFault =>
  new QboFault(
    {
      Message: 'Invalid Company Status',
      Detail:
        "Subscription period has ended or canceled or there was a billing problem : You can't add data to QuickBooks Online because your trial or subscription period ended, you canceled your subscription, or there was a billing problem.",
      code: '6190',
      element: '',
    },
    status,
  );

export type ClosedPeriodCode = '6210' | '6200' | '6000';

/** Closed books have been seen under several codes; which one is a setting of the company. */
export function closedPeriod(code: ClosedPeriodCode, status: number): QboFault {
  const sentence =
    'The account period has closed and the account books cannot be updated through the QBO Services API. Please use the QBO website to make these changes.';
  return new QboFault(
    code === '6000'
      ? {
          Message: 'A business validation error has occurred while processing your request',
          Detail: `Business Validation Error: ${sentence}`,
          code,
          element: '',
        }
      : {
          Message: 'Account Period Closed, Cannot Update Through Services API',
          Detail: sentence,
          code,
          element: '',
        },
    status,
  );
}

function spaced(type: string): string {
  return type.replace(/([a-z])([A-Z])/g, '$1 $2');
}

function describe(given: unknown): string {
  return typeof given === 'string' ? given : (JSON.stringify(given) ?? 'undefined');
}
