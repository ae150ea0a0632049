import { Catch, ExceptionFilter } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Observable, throwError } from 'rxjs';

/**
 * Lets errors reach the transport as they were thrown. NestJS's default filter turns every error that is not an
 * RpcException into "Internal server error", and with it goes what the retry decision depends on.
 */
@Catch()
export class KeepErrors implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** To be listed among the providers of an application's module. */
export const keepErrors = { provide: APP_FILTER, useClass: KeepErrors };
